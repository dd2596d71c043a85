package dev.sluice.uplink.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.sluice.support.Vectors;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a payload holds, its check ends soon, and the answer is right. */
class BoundedCheckTest {
    private static final Duration TIME = Duration.ofSeconds(2);
    private static final String DRAFT_7 = "\"$schema\": \"http://json-schema.org/draft-07/schema#\", ";

    private static String breach(String schema, String payload) {
        return breach(schema, payload.getBytes(StandardCharsets.UTF_8));
    }

    private static String breach(String schema, byte[] payload) {
        return breach(schema, TIME, payload);
    }

    private static String breach(String schema, Duration time, byte[] payload) {
        var contract = Contract.of(schema, time);
        return assertTimeoutPreemptively(Duration.ofSeconds(30), () -> contract.breach(payload, Effort.FULL));
    }

    static Stream<String[]> numbers() {
        return Vectors.lines("/contracts/numbers.txt").map(line -> line.split(" +\\| +"));
    }

    @ParameterizedTest
    @MethodSource("numbers")
    void numbersAreExactWhateverTheirSize(String rule, String value, String expected) {
        var keyword = "\"" + rule.replaceFirst(":", "\":");
        var answer = breach("{\"properties\": {\"v\": {" + keyword + "}}}", "{\"v\": " + value + "}");
        assertThat(answer == null ? "kept" : "broken").as(answer).isEqualTo(expected);
    }

    /** As an integer beside an integer bound, it used to be compared by its last 64 bits. */
    @Test
    void anIntegerBoundHoldsForAllIntegers() {
        assertThat(breach("{\"type\": \"integer\", \"maximum\": 100}", "1e400"))
                .isEqualTo("it is not what #/maximum asks for");
        assertThat(breach("{\"type\": \"integer\", \"maximum\": 100}", "1" + "0".repeat(900)))
                .isNotNull();
    }

    @Test
    void boundsOfDraft4SayWhetherTheyAreExclusive() {
        var draft = "{\"$schema\": \"http://json-schema.org/draft-04/schema#\", \"maximum\": 5, \"exclusiveMaximum\": ";
        assertThat(breach(draft + "true}", "5")).isNotNull();
        assertThat(breach(draft + "false}", "5")).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "6, 2, true",
        "1, 3, false",
        "-6, 4, false",
        "-8, 4, true",
        "1e-5, 1e-5, true",
        "0.5, 0.25, true",
        "1000, 1e3, true",
        "100, 1e3, false",
        "12.5, 2.5, true",
        "12.4, 2.5, false",
        "1e1000000000, 8, true"
    })
    void multiplesAreThoseOfArithmetic(BigDecimal value, BigDecimal divisor, boolean expected) {
        assertThat(Rule.isMultiple(value, divisor)).isEqualTo(expected);
    }

    @Test
    void theReasonIsTheTrueOne() {
        assertThat(breach("{}", "1".repeat(1001))).isEqualTo("it has a number of more than 1000 characters");
        assertThat(breach("{}", "1e99999999999999")).isEqualTo("it has a number whose exponent is out of all bounds");
        assertThat(breach("{}", "[".repeat(101) + "]".repeat(101))).isEqualTo("it has more than 100 levels");
        assertThat(breach("{}", new byte[] {'"', (byte) 0xFF, '"'})).isEqualTo("it is not JSON, which is UTF-8");
        for (var text : new String[] {"", " ", "{", "{} {}", "NaN", "{\"a\":1,}", "'a'", "01"})
            assertThat(breach("{}", text)).as(text).isEqualTo("it is not JSON");
        assertThat(breach("{}", "\uFEFF{}")).isNull();
        assertThat(breach("{\"maxLength\": 1}", '"' + "x".repeat(100_000) + '"'))
                .isEqualTo("it is not what #/maxLength asks for");
        assertThat(breach("{\"propertyNames\": {\"maxLength\": 70000}}", "{\"" + "x".repeat(60_000) + "\": 1}"))
                .isNull();
    }

    /** Of a name that an object has twice, the last value counts. */
    @Test
    void theLastOfTwoEqualNamesCounts() {
        assertThat(breach("{\"properties\": {\"a\": {\"type\": \"number\"}}}", "{\"a\": \"x\", \"a\": 1}"))
                .isNull();
        assertThat(breach("{\"properties\": {\"a\": {\"type\": \"number\"}}}", "{\"a\": 1, \"a\": \"x\"}"))
                .isNotNull();
    }

    @Test
    void patternsTakeLinearTime() {
        var nested = "{\"properties\": {\"id\": {\"pattern\": \"^(.*a){12}$\"}}}";
        assertThat(breach(nested, "{\"id\": \"" + "a".repeat(35) + "!\"}"))
                .isEqualTo("it is not what #/properties/id/pattern asks for");
        assertThat(breach(nested, "{\"id\": \"" + "a".repeat(35) + "\"}")).isNull();
        assertThat(breach(nested, "{\"id\": \"" + "a".repeat(300_000) + "!\"}")).isNotNull();
        var names =
                "{\"patternProperties\": {\"^(.*a){12}$\": {\"type\": \"number\"}}, \"additionalProperties\": false}";
        assertThat(breach(names, "{\"" + "a".repeat(35) + "!\": 1}"))
                .isEqualTo("it is not what #/additionalProperties asks for");
        assertThat(breach(names, "{\"" + "a".repeat(35) + "\": 1}")).isNull();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 1_000, 2_000, 20_000, 300_000})
    void aRepeatedGroupMayRepeatAsOftenAsItLikes(int pairs) {
        var schema = "{\"pattern\": \"^([0-9a-f]{2}:?)*$\"}";
        assertThat(breach(schema, '"' + "ab:".repeat(pairs) + '"')).isNull();
        assertThat(breach(schema, '"' + "ab:".repeat(pairs) + "g\"")).isEqualTo("it is not what #/pattern asks for");
    }

    /** 2^k ways through a payload of k levels. */
    @Test
    void aContractWithManyWaysThroughAPayloadEndsInTime() {
        var tree = "{\"anyOf\": [{\"properties\": {\"l\": {\"$ref\": \"#\"}, \"x\": false}},"
                + " {\"properties\": {\"l\": {\"$ref\": \"#\"}, \"y\": false}}]}";
        var deep = "{\"l\":".repeat(90) + "{\"x\": 1, \"y\": 1}" + "}".repeat(90);
        assertThat(breach(tree, Duration.ofMillis(200), deep.getBytes(StandardCharsets.UTF_8)))
                .isEqualTo("its check takes longer than 200 ms, the most that it may");
        assertThat(breach(tree, "{\"l\":{\"l\":{\"x\":1}}}")).isNull();
    }

    @Test
    void aBriefCheckGivesUp() {
        var contract = Contract.of("{\"pattern\": \"^(.*a){12}$\"}", TIME);
        var large = ('"' + "a".repeat(20_000) + '"').getBytes(StandardCharsets.UTF_8);
        var small = ('"' + "a".repeat(35) + '"').getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> contract.breach(large, Effort.BRIEF)).isInstanceOf(CheckOverrun.class);
        assertThat(contract.breach(large, Effort.FULL)).isNull();
        assertThat(contract.breach(small, Effort.FULL)).isNull();
    }

    /** Strings with the same hash made a set of JSON values quadratic. */
    @Test
    void uniqueItemsTakesNoLongerForValuesOfTheSameHash() {
        var schema = "{\"uniqueItems\": true}";
        assertThat(breach(schema, '[' + String.join(",", colliding(13)) + ']')).isNull();
        assertThat(breach(schema, '[' + String.join(",", colliding(13)) + ",\"" + "Aa".repeat(13) + "\"]"))
                .isNotNull();
        var numbers =
                IntStream.range(0, 200_000).mapToObj(Integer::toString).collect(Collectors.joining(",", "[", "]"));
        assertThat(breach(schema, numbers)).isNull();
    }

    private static Iterable<String> colliding(int pairs) {
        var texts = new ArrayList<String>();
        for (int i = 0; i < 1 << pairs; i++) {
            var text = new StringBuilder("\"");
            for (int bit = 0; bit < pairs; bit++) text.append((i >> bit & 1) == 0 ? "Aa" : "BB");
            texts.add(text.append('"').toString());
        }
        return texts;
    }

    /** The smallest values that there are: if each had a look at each, it would take minutes. */
    @ParameterizedTest
    @ValueSource(strings = {"[],", "1,", "{\"\":0},"})
    void aLargePayloadIsChecked(String item) {
        var schema =
                "{\"items\": {\"type\": [\"array\", \"object\", \"number\", \"string\"], \"unevaluatedProperties\": {}, \"enum\": [[], {}, 1, 0.1, \"\", {\"\": 0}]}}";
        var payload = '[' + item.repeat(300_000 / item.length()) + item.replace(',', ']');
        assertThat(Contract.of(schema, Duration.ofSeconds(8))
                        .breach(payload.getBytes(StandardCharsets.UTF_8), Effort.FULL))
                .isNull();
        assertThat(breach("{\"contains\": {\"const\": 2}, \"allOf\": [{\"items\": true}, {\"items\": {}}]}", payload))
                .isNotNull();
    }

    /** The drafts up to 7 assert formats, whose expressions took stack, or the cube of the length. */
    @ParameterizedTest
    @CsvSource({
        "email,                 a@example.org,      @@@@",
        "idn-email,             a@example.org,      @@@@",
        "hostname,              a.example.org,      'a.'",
        "ipv4,                  127.0.0.1,          '1.'",
        "ipv6,                  ::1,                '1:'",
        "date-time,             2026-11-29T00:00:00Z, '1'",
        "json-pointer,          /a/b~0/c~1,         '~'",
        "relative-json-pointer, 1/a/b,              '~'",
        "uri,                   http://a.example/b, 'a b'",
        "uri-template,          'http://a/{b,c:3}?{d*}', '{'",
        "regex,                 '^(?=a)(\\\\w+)\\\\1$', '('"
    })
    void formatsTakeLinearTime(String format, String right, String wrong) {
        var schema = "{" + DRAFT_7 + "\"format\": \"" + format + "\"}";
        assertThat(breach(schema, '"' + right + '"')).isNull();
        assertThat(breach(schema, '"' + wrong.repeat(200_000) + '"')).isEqualTo("it is not what #/format asks for");
    }

    @Test
    void pointersMayBeLong() {
        assertThat(breach("{" + DRAFT_7 + "\"format\": \"json-pointer\"}", '"' + "/a".repeat(100_000) + '"'))
                .isNull();
    }

    /** What a client sends as an expression is never built: it could take more memory than there is. */
    @Test
    void anExpressionOfAClientIsReadOnly() {
        var schema = "{" + DRAFT_7 + "\"format\": \"regex\"}";
        assertThat(breach(schema, "\"((((a{9999}){9999}){9999}){9999})\"")).isNull();
        assertThat(breach(schema, '"' + "\\\\p{L}".repeat(100_000) + '"')).isNull();
        assertThat(breach(schema, '"' + "(".repeat(200_000) + ")".repeat(200_000) + '"'))
                .isNull();
        assertThat(breach(schema, '"' + "[".repeat(200_000) + '"')).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"allOf\": [{\"$ref\": \"#/$defs/a\"}, {\"$ref\": \"#/$defs/a\"}], \"$defs\": {\"a\": {\"allOf\": [{\"$ref\": \"#\"}, {}]}}}",
                "{\"not\": {\"$ref\": \"#\"}}",
                "{\"if\": {\"$ref\": \"#\"}}"
            })
    void aContractThatNeverEndsIsAMistake(String schema) {
        assertThatThrownBy(() -> Contract.of(schema, TIME)).hasMessageContaining("in place");
    }
}

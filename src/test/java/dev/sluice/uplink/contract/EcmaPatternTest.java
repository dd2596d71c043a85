package dev.sluice.uplink.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.support.Vectors;
import java.time.Duration;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Patterns of ECMA 262 in the dialect of RE2: {@code contracts/*.txt}. */
class EcmaPatternTest {
    record Case(String pattern, String text, boolean isFound) {}

    static Stream<Case> matches() {
        return Vectors.lines("/contracts/patterns.txt").map(line -> {
            var columns = line.split(" +\\| +");
            return new Case(columns[0], text(columns[1]), columns[2].equals("yes"));
        });
    }

    /** With the escapes of Java. */
    private static String text(String escaped) {
        return Pattern.compile("\\\\u([0-9A-Fa-f]{4})")
                .matcher(escaped)
                .replaceAll(it -> Character.toString(Integer.parseInt(it.group(1), 16)))
                .translateEscapes();
    }

    @ParameterizedTest
    @MethodSource("matches")
    void patternsMeanWhatEcmaScriptSays(Case it) {
        assertThat(LinearPattern.of(it.pattern).matches(it.text)).isEqualTo(it.isFound);
    }

    static Stream<String> mistakes() {
        return Vectors.lines("/contracts/pattern-mistakes.txt");
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void aPatternThatCannotBeUsedIsAMistake(String line) {
        var columns = line.split(" +\\| +");
        assertThatThrownBy(() -> LinearPattern.of(columns[0]))
                .isInstanceOf(LinearPattern.Unusable.class)
                .hasMessageContaining(columns[1]);
        // Only what does not end in linear time, or is too large, is an expression for all that.
        var isExpression = columns[1].startsWith("has a look-")
                || columns[1].startsWith("has a back-")
                || columns[1].startsWith("repeats too");
        assertThat(EcmaPattern.isOne(columns[0])).isEqualTo(isExpression);
    }

    @Test
    void aPatternMayNotBeLongOrDeep() {
        assertThatThrownBy(() -> LinearPattern.of("a".repeat(10_001))).hasMessageContaining("has 10001 characters");
        assertThat(LinearPattern.of("(".repeat(500) + "a" + ")".repeat(500)).matches("a"))
                .isTrue();
    }

    @Test
    void countsMayBeLargerThanThoseOfRe2() {
        for (var n : new int[] {999, 1000, 1001, 2500, 4096}) {
            var exactly = LinearPattern.of("^a{" + n + "}$");
            var atMost = LinearPattern.of("^a{0," + n + "}$");
            var atLeast = LinearPattern.of("^a{" + n + ",}$");
            for (int length = n - 1; length <= n + 1; length++) {
                var text = "a".repeat(length);
                assertThat(exactly.matches(text)).isEqualTo(length == n);
                assertThat(atMost.matches(text)).isEqualTo(length <= n);
                assertThat(atLeast.matches(text)).isEqualTo(length >= n);
            }
        }
    }

    /** The matcher follows each of them before it takes a character. */
    @Test
    void manyThatMayBeMissingTakeNoStack() {
        assertThat(LinearPattern.of("^(a?){4500}$").matches("a".repeat(100))).isTrue();
    }

    @Test
    void aPatternIsFoundWhereverItStands() {
        for (var schema : new String[] {
            "{\"pattern\": \"^(?!a)\"}",
            "{\"properties\": {\"a\": {\"pattern\": \"^(?!a)\"}}}",
            "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"pattern\": \"^(?!a)\"}",
            "{\"patternProperties\": {\"^(?!a)\": {}}}",
            "{\"additionalProperties\": false, \"patternProperties\": {\"^(?!a)\": {}}}",
            "{\"$defs\": {\"a\": {\"pattern\": \"^(?!a)\"}}, \"items\": {\"$ref\": \"#/$defs/a\"}}"
        })
            assertThatThrownBy(() -> Contract.of(schema, Duration.ofSeconds(1)))
                    .as(schema)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "the pattern \"^(?!a)\" has a look-ahead: patterns are matched in linear time, which leaves out"
                                    + " look-around and back-references");
    }
}

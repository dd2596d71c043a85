package dev.sluice.topic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.support.Table;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class TopicFilterTest {
    static Stream<Arguments> matches() {
        return Table.lines("/topic/matches.txt")
                .map(line -> Arguments.of(Table.cells(line).toArray()));
    }

    static Stream<Arguments> mistakes() {
        return Table.lines("/topic/mistakes.txt")
                .map(line -> Arguments.of(Table.cells(line).toArray()));
    }

    @ParameterizedTest
    @MethodSource("matches")
    void matchesAsTheStandardSays(String filter, String name, boolean expected) {
        assertThat(TopicFilter.of(filter).matches(TopicName.of(name)))
                .as("%s on %s", filter, name)
                .isEqualTo(expected);
        assertThat(NaiveMatcher.matches(filter, name))
                .as("the naive matcher on the same")
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void namesTheMistake(String filter, String mistake) {
        assertThatThrownBy(() -> TopicFilter.of(filter))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("\"" + filter + "\" " + mistake);
    }

    @Test
    void refusesTheNullCharacter() { // [MQTT-4.7.3-2]
        assertThat(TopicFilter.mistake("a/\0")).contains("holds the null character");
    }

    @Test
    void takes65535BytesAndNoMore() { // [MQTT-4.7.3-3]
        assertThat(TopicFilter.mistake("ä".repeat(32_767) + "a")).isEmpty();
        assertThat(TopicFilter.mistake("ä".repeat(32_768))).contains("is longer than 65,535 bytes");
    }

    @Test
    void matchesAFilterOfEmptyLevelsOnly() {
        assertThat(TopicFilter.of("/".repeat(65_535)).matches("/".repeat(65_535)))
                .isTrue();
        assertThat(TopicFilter.of("/".repeat(65_535)).matches("/".repeat(65_534)))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({"$share/g/a/+, g", "$share/g//a, g", "$share/g/$SYS/#, g", "$share, ", "$shared/a/b, ", "a/$share/g, "})
    void readsTheShareName(String filter, String shareName) { // [MQTT-4.8.2-1]
        assertThat(TopicFilter.of(filter).shareName()).isEqualTo(shareName);
        assertThat(TopicFilter.of(filter)).hasToString(filter).isEqualTo(TopicFilter.of(filter));
    }

    @ParameterizedTest
    @CsvSource({
        "$SYS/broker/uptime, true",
        "$SYS/#, true",
        "$share/g/$SYS/#, true",
        "$SYS, false",
        "$SYSTEM/a, false",
        "+/$SYS/a, false",
        "#, false"
    })
    void knowsWhatIsTheServersOwn(String filter, boolean expected) {
        assertThat(TopicFilter.of(filter).isServers()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"$SYS/a, true", "$SYS/, true", "$SYS, false", "$SYSTEM/a, false", "a/$SYS/, false", "s, false"})
    void knowsANameThatIsTheServersOwn(String name, boolean expected) {
        assertThat(TopicName.of(name).isServers()).isEqualTo(expected);
    }

    @Test
    void countsItsBytes() {
        for (var text : new String[] {"a/b", "ä/ÿ", "Ā€/x", "\uD83D\uDE00/+"})
            assertThat(TopicFilter.of(text).bytes()).isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
    }

    @ParameterizedTest
    @CsvSource({"a/b, 3", "$share/s/t, 10", "ä, 2", "a/ж, 6", "語/語, 6", "\uD83D\uDE00, 4"})
    void itsMemoryIsThatOfItsCharacters(String text, int bytes) {
        assertThat(TopicFilter.of(text).memory()).isEqualTo(bytes);
    }

    @Test
    void countsTheLevelsThatAreCompared() {
        assertThat(TopicFilter.of("a/b/#").hasMoreLevelsThan(3)).isFalse();
        assertThat(TopicFilter.of("a/b/#").hasMoreLevelsThan(2)).isTrue();
        assertThat(TopicFilter.of("$share/g/a/b/#").hasMoreLevelsThan(3)).isFalse();
        assertThat(TopicFilter.of("/".repeat(127)).hasMoreLevelsThan(128)).isFalse();
        assertThat(TopicFilter.of("/".repeat(128)).hasMoreLevelsThan(128)).isTrue();
        assertThat(TopicName.of("/".repeat(127)).hasMoreLevelsThan(128)).isFalse();
        assertThat(TopicName.of("/".repeat(128)).hasMoreLevelsThan(128)).isTrue();
        assertThat(TopicName.of("a".repeat(1000)).hasMoreLevelsThan(128)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "a/b, a/b, true",
        "a/, a/, true",
        "a/+/b, a, false",
        "a/b/#, a/b, false",
        "#, '', false",
        "+/a, '', false",
        "/#, '', false",
        "//+, /, false",
        "$share/g/a/#, a, false",
        "$share/g/a, a, true"
    })
    void knowsWhatAllItsNamesBeginWith(String filter, String beginning, boolean isExact) {
        assertThat(TopicFilter.of(filter).commonBeginning()).isEqualTo(beginning);
        assertThat(TopicFilter.of(filter).isExact()).isEqualTo(isExact);
    }
}

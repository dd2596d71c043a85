package dev.sluice.topic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FilterIntersectionTest {
    @ParameterizedTest
    @CsvSource({
        "a/b, a/b, true",
        "a/b, a/c, false",
        "a/+, +/b, true",
        "a/#, a, true",
        "a/#, b/#, false",
        "a/+/c, a/#, true",
        "a/+/c, a/b, false",
        "+, a/b, false",
        "#, $SYS/x, false",
        "+/x, $SYS/x, false",
        "$SYS/#, $SYS/+, true",
        "a/$x, a/+, true",
        "/+, +/+, true",
        "a//b, a/+/b, true",
        "a/b/#, a/+, true",
        "a/b/c/#, a/+, false"
    })
    void twoFiltersMeetOrNot(String one, String other, boolean meet) {
        assertThat(TopicFilter.of(one).intersects(TopicFilter.of(other))).isEqualTo(meet);
        assertThat(TopicFilter.of(other).intersects(TopicFilter.of(one))).isEqualTo(meet);
    }

    /** Every pair of filters of up to three levels, against every name of up to four. */
    @Test
    void twoFiltersMeetWhereThereIsANameThatBothMatch() {
        var filters = texts(3, "a", "$a", "", "+", "#").stream()
                .filter(text -> TopicFilter.mistake(text).isEmpty())
                .map(TopicFilter::of)
                .toList();
        var names = texts(4, "a", "$a", "", "c").stream()
                .filter(name -> !name.isEmpty())
                .toList();
        assertThat(filters).hasSizeGreaterThan(80);
        for (var one : filters)
            for (var other : filters)
                assertThat(one.intersects(other))
                        .as("%s and %s", one, other)
                        .isEqualTo(names.stream().anyMatch(name -> one.matches(name) && other.matches(name)));
    }

    @Test
    void everythingIsEverythingButWhatBeginsWithADollar() {
        assertThat(List.of("#", "+/#")).allMatch(text -> TopicFilter.of(text).isEverything());
        assertThat(List.of("+", "+/+/#", "a/#"))
                .noneMatch(text -> TopicFilter.of(text).isEverything());
    }

    private static List<String> texts(int levels, String... alphabet) {
        var all = new ArrayList<>(List.of(alphabet));
        var last = List.copyOf(all);
        for (int i = 1; i < levels; i++) {
            last = last.stream()
                    .flatMap(begin -> List.of(alphabet).stream().map(level -> begin + "/" + level))
                    .toList();
            all.addAll(last);
        }
        return all;
    }
}

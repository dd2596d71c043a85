package dev.sluice.uplink.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.support.Table;
import dev.sluice.uplink.route.RouteTables.Section;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RouteLintTest {
    private static final Map<String, KafkaTopic> TOPICS = Map.of(
            "missing", KafkaTopic.MISSING,
            "small", new KafkaTopic(2, null),
            "t", new KafkaTopic(9, false),
            "compacted", new KafkaTopic(9, true));

    static Stream<Section> cases() {
        return RouteTables.read("/routes/lint.txt").stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void finds(Section section) {
        var config = RouteTables.config(section.keys());
        var routes = Routes.of(config);
        var found = RouteLint.of(routes, TOPICS).stream()
                .map(it -> it.kind() + " " + it.route() + it.others() + " " + it.sentence())
                .collect(Collectors.joining("\n"));
        assertThat(found)
                .isEqualTo(section.lines().stream()
                        .map(line -> Table.cells(line.substring(2)).getFirst())
                        .collect(Collectors.joining("\n")));
    }

    @Test
    void theTableIsThere() {
        assertThat(cases().count()).isGreaterThan(10);
    }
}

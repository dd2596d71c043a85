package dev.sluice.uplink.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.config.UplinkConfig;
import dev.sluice.support.Table;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.contract.Effort;
import dev.sluice.uplink.route.RouteTables.Section;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RoutesTest {
    static Stream<Arguments> cases() {
        return RouteTables.read("/routes/cases.txt").stream().flatMap(section -> {
            var routes = Routes.of(RouteTables.config(section.keys()));
            return section.lines().stream().map(line -> Arguments.of(section.title(), line, routes));
        });
    }

    static Stream<Section> mistakes() {
        return RouteTables.read("/routes/mistakes.txt").stream();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("cases")
    void resolves(String title, String line, Routes routes) {
        var cells = Table.cells(line);
        var username = cells.get(2).equals("-") ? null : cells.get(2);
        var resolution = routes.resolve(TopicName.of(cells.get(0)), cells.get(1), username);
        var payload = cells.size() > 4 ? cells.get(4).getBytes(StandardCharsets.UTF_8) : null;
        assertThat(text(resolution, payload)).isEqualTo(cells.get(3));
    }

    private static String text(Resolution resolution) {
        return text(resolution, null);
    }

    /** @param payload null where nothing but the Topic Name is looked at */
    private static String text(Resolution resolution, byte[] payload) {
        return switch (resolution) {
            case Resolution.Forward(var matches) ->
                matches.stream().map(match -> text(match, payload)).collect(Collectors.joining(" + "));
            case Resolution.Refuse(var failure) -> "refuse: " + failure.why();
            case Resolution.Drop() -> "drop";
        };
    }

    private static String text(RouteMatch match, byte[] payload) {
        var route = match.route().name() + " > ";
        if (match.failure() != null)
            return route.strip() + " dead letter: " + match.failure().why();
        if (payload != null && match.failure(payload, Effort.FULL) != null)
            return route + match.failure(payload, Effort.FULL).why();
        return route + match.kafkaTopic() + " > " + (match.key() == null ? "-" : match.key())
                + (match.partition() == Partition.BY_KEY ? "" : " (" + match.partition() + ")")
                + match.headers().entrySet().stream().map(it -> " " + it).collect(Collectors.joining());
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void namesTheKeyAndTheMistake(Section section) {
        var message = section.lines().stream()
                .map(line -> Table.cells(line.substring(2)).getFirst())
                .collect(Collectors.joining("\n"));
        assertThatThrownBy(() -> Routes.of(RouteTables.config(section.keys())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void theTablesAreThere() {
        assertThat(cases().count()).isGreaterThan(60);
        assertThat(mistakes().count()).isGreaterThan(30);
    }

    @Test
    void knowsWhichKafkaTopicsMustExist() {
        var routes = Routes.of(config(
                "routes.b.filter",
                "b/{x}",
                "routes.b.kafka-topic",
                "two",
                "routes.a.filter",
                "a/{x}",
                "routes.a.kafka-topic",
                "one",
                "routes.c.filter",
                "c/{x}",
                "routes.c.kafka-topic",
                "two",
                "routes.d.filter",
                "d/{x}",
                "routes.d.kafka-topic",
                "d-{x}"));
        assertThat(routes.literalKafkaTopics()).containsExactly("one", "two");
        assertThat(routes.routes())
                .extracting(Route::name, Route::isTemplated)
                .map(it -> it.toList().toString())
                .containsExactly("[a, false]", "[b, false]", "[c, false]", "[d, true]");
        assertThat(routes.routes().getFirst().filter()).map(RouteFilter::text).contains("a/{x}");
    }

    @Test
    void namesTheDeadLetterTopicIfThereMayBeAny() {
        var route = new String[] {"routes.a.filter", "a", "routes.a.kafka-topic", "one"};
        assertThat(Routes.of(config(route)).literalKafkaTopics()).containsExactly("one");
        assertThat(Routes.of(config("unmatched", "dead-letter", "dead-letter-topic", "dead"))
                        .literalKafkaTopics())
                .containsExactly("dead");
        assertThat(Routes.of(config(
                                "routes.a.filter",
                                "a",
                                "routes.a.kafka-topic",
                                "one",
                                "routes.a.on-failure",
                                "dead-letter"))
                        .literalKafkaTopics())
                .containsExactly("one", "sluice.dead-letter");
    }

    @Test
    void knowsTheHighestPartition() {
        var routes = Routes.of(config(
                "routes.a.filter",
                "a",
                "routes.a.kafka-topic",
                "one",
                "routes.a.partition",
                "2",
                "routes.b.filter",
                "b",
                "routes.b.kafka-topic",
                "one",
                "routes.b.partition",
                "11",
                "routes.c.filter",
                "c/{x}",
                "routes.c.kafka-topic",
                "two",
                "routes.c.partition",
                "{x}"));
        assertThat(routes.highestPartition("one")).isEqualTo(11);
        assertThat(routes.highestPartition("two")).isEqualTo(-1);
    }

    @Test
    void withoutConfigurationThereAreNoRoutesAndMessagesAreRefused() {
        assertThat(config().unmatched()).isEqualTo(UplinkConfig.Unmatched.REFUSE);
        assertThat(Routes.of(config()).routes()).isEmpty();
    }

    @Test
    void findsTheOneAmongAThousand() {
        var keys = new HashMap<String, String>();
        for (var i = 0; i < 1_000; i++) {
            keys.put("sluice.uplink.routes.r" + i + ".filter", "site" + i + "/{device}/#");
            keys.put("sluice.uplink.routes.r" + i + ".kafka-topic", "t" + i);
        }
        var routes = Routes.of(RouteTables.config(keys));
        for (var i = 0; i < 1_000; i++) {
            var resolution = routes.resolve(TopicName.of("site" + i + "/d/x"), "c", null);
            assertThat(text(resolution)).isEqualTo("r" + i + " > t" + i + " > c");
        }
    }

    private static UplinkConfig config(String... keysAndValues) {
        Map<String, String> keys = new HashMap<>();
        for (var i = 0; i < keysAndValues.length; i += 2)
            keys.put("sluice.uplink." + keysAndValues[i], keysAndValues[i + 1]);
        return RouteTables.config(keys);
    }
}

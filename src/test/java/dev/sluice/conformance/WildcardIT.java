package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Spec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Which Topic Names match which filters; the unit tests of {@code topic} have the long table. */
class WildcardIT {
    private static final QoS ONE = QoS.AT_LEAST_ONCE;

    private final String topic = "talk/" + Device.id("wildcard");

    /** One client has all filters, each under its own number. */
    @Spec({"MQTT-3.3.2-3", "MQTT-4.7.1-1", "MQTT-4.7.1-2"})
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | 0 1",
                "/a | 0 2 3",
                "/ | 0 2",
                "/a/b | 0 3 4 5",
                "/a/b/c | 0 3 6",
                "/a//c | 0 3 6",
                "/b/a | 0 4",
                "/A | 0 2"
            })
    void filtersMatchAsTheStandardSays(String end, String matching) {
        var filters = List.of("/#", "", "/+", "/a/#", "/+/+", "/a/b", "/a/+/c");
        try (var subscriber = Peer.online(ProtocolVersion.V5);
                var publisher = Peer.online(ProtocolVersion.V5)) {
            for (int i = 0; i < filters.size(); i++) subscriber.subscribe(i + 1, Peer.to(topic + filters.get(i), ONE));
            publisher.publish(ONE, topic + end, "x");
            var publish = subscriber.taken();
            assertThat(publish.topicName()).hasToString(topic + end);
            assertThat(publish.properties().subscriptionIdentifiers())
                    .containsExactlyInAnyOrderElementsOf(java.util.Arrays.stream(matching.split(" "))
                            .map(filter -> Integer.parseInt(filter) + 1)
                            .toList());
        }
    }

    @Spec(v311 = {"MQTT-3.3.2-3", "MQTT-3.8.3-2", "MQTT-4.7.1-2", "MQTT-4.7.1-3"})
    @ParameterizedTest
    @EnumSource(names = {"V3_1", "V3_1_1"})
    void wildcardsAreServed(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(ONE, topic + "/+/c", topic + "/x/#");
            var names = List.of("/a", "/a/c", "/a/b/c", "/x", "/x/y/z", "/y", "//c");
            for (var name : names) publisher.publish(ONE, topic + name, name);
            for (var name : List.of("/a/c", "/x", "/x/y/z", "//c")) {
                var publish = subscriber.taken();
                assertThat(publish.topicName()).hasToString(topic + name);
                assertThat(Peer.text(publish)).isEqualTo(name);
            }
        }
    }

    /** Names that look alike are different topics, and come as they were sent. */
    @Spec(
            value = {"MQTT-1.5.4-3", "MQTT-4.7.3-4"},
            v311 = {"MQTT-1.5.3-3", "MQTT-4.7.3-4"})
    @ParameterizedTest
    @EnumSource
    void namesAreComparedAsTheyAre(ProtocolVersion version) {
        var names = List.of(
                "/\u00e9", "/e\u0301", "/\ufeffa", "/a\ufeff", "/a", "/a/", "//a", "/a ", "/A", "/\ufb01", "/fi");
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(ONE, names.stream().map(name -> topic + name).toArray(String[]::new));
            assertThat(deliveries(publisher, subscriber, names)).isEqualTo(names);
        }
        for (var name : names) {
            try (var subscriber = Peer.online(version);
                    var publisher = Peer.online(version)) {
                subscriber.subscribe(ONE, topic + name, topic + "/marker");
                for (var other : names) publisher.publish(ONE, topic + other, other);
                publisher.publish(ONE, topic + "/marker", "marker");
                assertThat(subscriber.text()).isEqualTo(name);
                assertThat(subscriber.text()).isEqualTo("marker");
            }
        }
    }

    private List<String> deliveries(Peer publisher, Peer subscriber, List<String> names) {
        var delivered = new ArrayList<String>();
        for (var name : names) {
            publisher.publish(ONE, topic + name, name);
            var publish = subscriber.taken();
            delivered.add(publish.topicName().toString().substring(topic.length()));
        }
        return delivered;
    }

    @Spec(value = "MQTT-4.7.2-1", v311 = "MQTT-4.7.2-1")
    @ParameterizedTest
    @EnumSource
    void aWildcardInFrontDoesNotMatchADollar(ProtocolVersion version) {
        var end = "/" + Device.id("dollar");
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(ONE, "+" + end, "+/+", "#");
            publisher.publish(ONE, "$talk" + end, "hidden").publish(ONE, "talk" + end, "marker");
            while (true) {
                var publish = subscriber.taken();
                assertThat(publish.topicName().toString()).doesNotStartWith("$");
                if (publish.topicName().toString().equals("talk" + end)) return;
            }
        }
    }

    /** Whoever asks for them by name gets them. */
    @Test
    void aFilterThatBeginsWithTheDollarMatches() {
        var end = "/" + Device.id("dollar");
        try (var subscriber = Peer.online(ProtocolVersion.V5);
                var publisher = Peer.online(ProtocolVersion.V5)) {
            subscriber.subscribe(ONE, "$talk/+");
            publisher.publish(ONE, "$talk" + end, "x");
            assertThat(subscriber.taken().topicName()).hasToString("$talk" + end);
        }
    }

    /** A name may begin with a slash: its first level is empty. */
    @Test
    void anEmptyFirstLevelIsALevel() {
        var end = "/talk/" + Device.id("slash");
        try (var subscriber = Peer.online(ProtocolVersion.V5);
                var publisher = Peer.online(ProtocolVersion.V5)) {
            subscriber
                    .subscribe(1, Peer.to("+" + end, ONE))
                    .subscribe(2, Peer.to(end, ONE))
                    .subscribe(3, Peer.to(end.substring(1), ONE));
            publisher.publish(ONE, end, "x");
            assertThat(subscriber.taken().properties().subscriptionIdentifiers())
                    .containsExactlyInAnyOrder(1, 2);
        }
    }
}

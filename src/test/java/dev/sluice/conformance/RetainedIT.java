package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.support.Spec;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RetainedIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ZERO = QoS.AT_MOST_ONCE;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final String topic = "talk/" + Device.id("retained");

    private static Subscription handling(String filter, int retainHandling) {
        return new Subscription(filter, ONE, false, false, retainHandling);
    }

    /** Asserts that no retained message has come: one that is retained under another name is the first. */
    private void assertNothingRetained(Peer subscriber) {
        var marker = topic + "-" + Device.id("marker");
        try (var publisher = Peer.online(V5)) {
            publisher.retain(ONE, marker, "marker");
        }
        subscriber.subscribe(ONE, marker);
        assertThat(subscriber.text()).isEqualTo("marker");
        subscriber.assertNothingMore();
    }

    private static void assertRetained(Packet.Publish publish, QoS qos, String text) {
        assertThat(Peer.text(publish)).isEqualTo(text);
        assertThat(publish.qos()).isEqualTo(qos);
        assertThat(publish.retain()).isTrue();
        assertThat(publish.dup()).isFalse();
    }

    @Spec(
            value = {"MQTT-3.3.1-5", "MQTT-3.3.1-9"},
            v311 = {"MQTT-3.3.1-5", "MQTT-3.3.1-6", "MQTT-3.3.1-8"})
    @ParameterizedTest
    @EnumSource
    void aNewSubscriptionGetsTheLastRetainedMessage(ProtocolVersion version) {
        try (var publisher = Peer.online(version);
                var subscriber = Peer.online(version);
                var modest = Peer.online(version)) {
            publisher.retain(TWO, topic, "first").retain(TWO, topic, "last");
            subscriber.subscribe(TWO, topic);
            assertRetained(subscriber.taken(), TWO, "last");
            modest.subscribe(ONE, topic);
            assertRetained(modest.taken(), ONE, "last");
            subscriber.assertNothingMore();
        }
    }

    @Spec(v311 = "MQTT-3.3.1-7")
    @ParameterizedTest
    @EnumSource
    void aRetainedMessageOfQoS0ReplacesTheOneBefore(ProtocolVersion version) {
        try (var publisher = Peer.online(version);
                var subscriber = Peer.online(version)) {
            publisher.retain(TWO, topic, "first").retain(ZERO, topic, "last");
            // Its own retained message is stored behind that of QoS 0.
            publisher.retain(ONE, topic + "/behind", "behind");
            subscriber.subscribe(TWO, topic);
            assertRetained(subscriber.taken(), ZERO, "last");
        }
    }

    @Spec(v311 = "MQTT-3.3.1-6")
    @ParameterizedTest
    @ValueSource(strings = {"/#", "/+/x", "/a/+"})
    void aWildcardGetsEveryRetainedMessageThatItMatches(String wildcard) {
        var matching =
                switch (wildcard) {
                    case "/#" -> List.of("", "/a/x", "/a/y", "/b/x", "/b/x/z");
                    case "/+/x" -> List.of("/a/x", "/b/x");
                    default -> List.of("/a/x", "/a/y");
                };
        for (var version : ProtocolVersion.values()) {
            try (var publisher = Peer.online(version);
                    var subscriber = Peer.online(version)) {
                for (var name : List.of("", "/a/x", "/a/y", "/b/x", "/b/x/z"))
                    publisher.retain(ONE, topic + name, "at " + name);
                subscriber.subscribe(ONE, topic + wildcard);
                assertThat(Stream.generate(subscriber::taken)
                                .limit(matching.size())
                                .peek(publish -> assertThat(publish.retain()).isTrue())
                                .map(publish -> publish.topicName().toString().substring(topic.length()))
                                .toList())
                        .containsExactlyInAnyOrderElementsOf(matching);
                assertNothingRetained(subscriber);
            }
        }
    }

    /** An empty message goes to who is subscribed, clears, and is not retained. */
    @Spec(
            value = {"MQTT-3.3.1-6", "MQTT-3.3.1-7"},
            v311 = {"MQTT-3.3.1-10", "MQTT-3.3.1-11"})
    @ParameterizedTest
    @EnumSource
    void anEmptyMessageClears(ProtocolVersion version) {
        try (var publisher = Peer.online(version);
                var before = Peer.online(version);
                var after = Peer.online(version)) {
            publisher.retain(ONE, topic, "x");
            before.subscribe(ONE, topic);
            assertRetained(before.taken(), ONE, "x");
            publisher.retain(ONE, topic, "").retain(ONE, topic + "/never", "");
            var empty = before.taken();
            assertThat(empty.payload()).isEmpty();
            assertThat(empty.retain()).isFalse();
            after.subscribe(ONE, topic + "/#");
            assertNothingRetained(after);
        }
    }

    @Spec(value = "MQTT-3.3.1-8", v311 = "MQTT-3.3.1-12")
    @ParameterizedTest
    @EnumSource
    void aMessageWithoutRetainChangesNothing(ProtocolVersion version) {
        try (var publisher = Peer.online(version);
                var subscriber = Peer.online(version)) {
            publisher.retain(ONE, topic + "/kept", "kept");
            publisher.publish(ONE, topic + "/kept", "other").publish(ONE, topic + "/kept", "");
            publisher.publish(ONE, topic + "/none", "x");
            subscriber.subscribe(ONE, topic + "/#");
            assertRetained(subscriber.taken(), ONE, "kept");
            assertNothingRetained(subscriber);
        }
    }

    /** Live messages carry RETAIN only where the subscription asks for it as published. */
    @Spec(
            value = {"MQTT-3.3.1-12", "MQTT-3.3.1-13"},
            v311 = "MQTT-3.3.1-9")
    @ParameterizedTest
    @EnumSource
    void retainIsForwardedToThoseWhoAsk(ProtocolVersion version) {
        try (var publisher = Peer.online(version);
                var plain = Peer.online(version);
                var asPublished = Peer.online(V5)) {
            plain.subscribe(TWO, topic);
            asPublished.subscribe(new Subscription(topic, TWO, false, true, 0));
            // What is retained is looked up behind the SUBACK.
            assertNothingRetained(plain);
            assertNothingRetained(asPublished);
            for (var qos : QoS.values()) {
                publisher.retain(qos, topic, "retained").publish(qos, topic, "not retained");
                assertThat(plain.taken().retain()).isFalse();
                assertThat(plain.taken().retain()).isFalse();
                assertThat(asPublished.taken().retain()).isTrue();
                assertThat(asPublished.taken().retain()).isFalse();
            }
        }
    }

    @Spec("MQTT-3.3.1-9")
    @Test
    void handling0SendsWithEverySubscribe() {
        try (var publisher = Peer.online(V5);
                var subscriber = Peer.online(V5)) {
            publisher.retain(ONE, topic, "x");
            for (int i = 0; i < 3; i++) {
                subscriber.subscribe(handling(topic, 0));
                assertRetained(subscriber.taken(), ONE, "x");
            }
            assertNothingRetained(subscriber);
        }
    }

    @Spec("MQTT-3.3.1-10")
    @Test
    void handling1SendsToANewSubscriptionOnly() {
        try (var publisher = Peer.online(V5);
                var subscriber = Peer.online(V5)) {
            publisher.retain(ONE, topic, "x");
            subscriber.subscribe(handling(topic, 1));
            assertRetained(subscriber.taken(), ONE, "x");
            subscriber.subscribe(handling(topic, 1));
            assertNothingRetained(subscriber);
            subscriber.unsubscribe(topic);
            subscriber.subscribe(handling(topic, 1));
            assertRetained(subscriber.taken(), ONE, "x");
        }
    }

    /** A subscription that the session has kept is no new one. */
    @Spec("MQTT-3.3.1-10")
    @Test
    void handling1KnowsTheSubscriptionsOfAResumedSession() {
        var clientId = Device.id("retained");
        Peer.durable(V5, clientId).subscribe(ONE, topic).leave();
        try (var subscriber = Peer.resumed(V5, clientId);
                var publisher = Peer.online(V5)) {
            publisher.retain(ONE, topic, "x");
            assertThat(subscriber.taken().retain()).isFalse();
            subscriber.subscribe(handling(topic, 1));
            assertNothingRetained(subscriber);
        }
    }

    @Spec("MQTT-3.3.1-11")
    @Test
    void handling2SendsNothing() {
        try (var publisher = Peer.online(V5);
                var subscriber = Peer.online(V5)) {
            publisher.retain(ONE, topic, "x");
            subscriber.subscribe(handling(topic, 2));
            assertNothingRetained(subscriber);
            publisher.publish(ONE, topic, "live");
            assertThat(subscriber.text()).isEqualTo("live");
        }
    }

    /** Section 4.8.2. */
    @Test
    void aSharedSubscriptionGetsNoRetainedMessages() {
        try (var publisher = Peer.online(V5);
                var subscriber = Peer.online(V5)) {
            publisher.retain(ONE, topic, "x");
            subscriber.subscribe(ONE, "$share/g/" + topic);
            assertNothingRetained(subscriber);
        }
    }

    /** Retained messages are no part of a session, neither of the publisher's nor of a subscriber's. */
    @Spec(v311 = "MQTT-3.1.2-7")
    @ParameterizedTest
    @EnumSource
    void aRetainedMessageOutlivesSessions(ProtocolVersion version) {
        var clientId = Device.id("retained");
        Peer.durable(version, clientId)
                .subscribe(ONE, topic + "/other")
                .retain(ONE, topic, "x")
                .leave();
        Device.online(version, clientId).close();
        try (var subscriber = Peer.online(version)) {
            subscriber.subscribe(ONE, topic);
            assertRetained(subscriber.taken(), ONE, "x");
        }
    }

    @Test
    void aRetainedMessageCarriesTheIdentifierOfItsSubscription() {
        try (var publisher = Peer.online(V5);
                var subscriber = Peer.online(V5)) {
            publisher.retain(ONE, topic, "x");
            subscriber.subscribe(9, Peer.to(topic, ONE));
            assertThat(subscriber.taken().properties().subscriptionIdentifiers())
                    .containsExactly(9);
        }
    }
}

package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.support.Gateway;
import dev.sluice.support.Spec;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SubscribeIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ZERO = QoS.AT_MOST_ONCE;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final String topic = "talk/" + Device.id("subscribe");

    @Spec(
            value = {"MQTT-2.2.1-6", "MQTT-2.2.2-1", "MQTT-3.8.4-1", "MQTT-3.8.4-2"},
            v311 = {"MQTT-2.3.1-7", "MQTT-3.8.4-1", "MQTT-3.8.4-2"})
    @ParameterizedTest
    @EnumSource
    void aSubscribeIsAnsweredUnderItsPacketIdentifier(ProtocolVersion version) {
        var subscribe = new Packet.Subscribe(0x1234, List.of(Peer.to(topic, ONE)), Properties.NONE);
        try (var client = Device.online(version, Device.id("subscribe"))) {
            var bytes = client.sendPackets(subscribe).receiveBytes();
            if (version.isV5()) assertThat(bytes).containsExactly(0x90, 4, 0x12, 0x34, 0, 1);
            else assertThat(bytes).containsExactly(0x90, 3, 0x12, 0x34, 1);
        }
    }

    /** Wrong filters are refused in their place; the others are granted. */
    @Spec(
            value = {"MQTT-3.8.4-6", "MQTT-3.8.4-7", "MQTT-3.9.3-1", "MQTT-3.9.3-2", "MQTT-4.7.1-1", "MQTT-4.7.1-2"},
            v311 = {"MQTT-3.8.4-5", "MQTT-3.9.3-1", "MQTT-3.9.3-2", "MQTT-4.7.1-2", "MQTT-4.7.1-3"})
    @ParameterizedTest
    @EnumSource
    void everyFilterIsAnsweredInItsPlace(ProtocolVersion version) {
        var wrong = version.isV5() ? ReasonCode.TOPIC_FILTER_INVALID : ReasonCode.UNSPECIFIED_ERROR;
        try (var peer = Peer.online(version)) {
            assertThat(peer.asked(
                            Peer.to(topic + "/+", TWO),
                            Peer.to(topic + "/#/a", ZERO),
                            Peer.to(topic + "#", ONE),
                            Peer.to(topic, ZERO),
                            Peer.to(topic + "/a+", TWO),
                            Peer.to(topic + "/+b/c", TWO),
                            Peer.to(topic + "/#", ONE)))
                    .containsExactly(
                            ReasonCode.GRANTED_QOS_2,
                            wrong,
                            wrong,
                            ReasonCode.SUCCESS,
                            wrong,
                            wrong,
                            ReasonCode.GRANTED_QOS_1);
        }
    }

    @Spec(value = "MQTT-3.8.4-5", v311 = "MQTT-3.8.4-4")
    @ParameterizedTest
    @EnumSource
    void severalFiltersAreLikeSeveralSubscribes(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(Peer.to(topic + "/a", ZERO), Peer.to(topic + "/b", ONE), Peer.to(topic + "/c", TWO));
            for (var name : List.of("a", "b", "c")) {
                publisher.publish(TWO, topic + "/" + name, name);
                var publish = subscriber.taken();
                assertThat(Peer.text(publish)).isEqualTo(name);
                assertThat(publish.qos().ordinal()).isEqualTo(name.charAt(0) - 'a');
            }
        }
    }

    @Spec(value = "MQTT-3.8.4-3", v311 = "MQTT-3.8.4-3")
    @ParameterizedTest
    @EnumSource
    void theSameFilterReplacesItsSubscription(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(TWO, topic + "/+").subscribe(ZERO, topic + "/+");
            publisher.publish(TWO, topic + "/a", "once").publish(TWO, topic + "/b", "marker");
            var publish = subscriber.taken();
            assertThat(Peer.text(publish)).isEqualTo("once");
            assertThat(publish.qos()).isEqualTo(ZERO);
            assertThat(subscriber.text()).isEqualTo("marker");
        }
    }

    /** What a publisher sends meanwhile arrives once and in order. */
    @Spec(value = "MQTT-3.8.4-4", v311 = "MQTT-3.8.4-3")
    @ParameterizedTest
    @EnumSource
    void replacingASubscriptionLosesNothing(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            publisher.retain(ONE, topic + "/retained", "retained");
            subscriber.subscribe(ONE, topic + "/+");
            assertThat(subscriber.text()).isEqualTo("retained");
            for (int i = 0; i < 20; i++) {
                publisher.publish(ONE, topic + "/live", "a" + i);
                subscriber
                        .wire()
                        .sendPackets(new Packet.Subscribe(
                                subscriber.nextPacketId(), List.of(Peer.to(topic + "/+", ONE)), Properties.NONE));
                publisher.publish(ONE, topic + "/live", "b" + i);
                subscriber.await(Packet.SubAck.class);
                assertRound(subscriber, i);
            }
        }
    }

    /** The retained message comes again with every SUBSCRIBE, at any place between the live ones. */
    private static void assertRound(Peer subscriber, int round) {
        var texts = List.of(subscriber.text(), subscriber.text(), subscriber.text());
        assertThat(texts).containsExactlyInAnyOrder("a" + round, "b" + round, "retained");
        assertThat(texts).containsSubsequence("a" + round, "b" + round);
    }

    @Spec(value = "MQTT-3.8.4-8", v311 = "MQTT-3.8.4-6")
    @ParameterizedTest
    @CsvSource({"0,0", "0,1", "0,2", "1,0", "1,1", "1,2", "2,0", "2,1", "2,2"})
    void aMessageComesAtTheLesserQoS(int published, int granted) {
        for (var version : ProtocolVersion.values()) {
            try (var subscriber = Peer.online(version);
                    var publisher = Peer.online(version)) {
                subscriber.subscribe(QoS.of(granted), topic);
                publisher.publish(QoS.of(published), topic, "x");
                assertThat(subscriber.taken().qos().ordinal()).isEqualTo(Math.min(published, granted));
            }
        }
    }

    @Spec("MQTT-3.8.3-3")
    @Test
    void aClientThatDoesNotWantItsOwnMessagesGetsThoseOfOthersOnly() {
        try (var peer = Peer.online(V5);
                var other = Peer.online(V5)) {
            peer.subscribe(new Subscription(topic, TWO, true, false, 0));
            for (var qos : QoS.values()) peer.publish(qos, topic, "mine");
            other.publish(TWO, topic, "marker");
            assertThat(peer.text()).isEqualTo("marker");
        }
    }

    @Test
    void aClientGetsItsOwnMessages() {
        for (var version : ProtocolVersion.values()) {
            try (var peer = Peer.online(version)) {
                peer.subscribe(TWO, topic).publish(TWO, topic, "mine");
                assertThat(peer.text()).isEqualTo("mine");
            }
        }
    }

    /** One copy of the highest QoS, under the identifiers of all subscriptions that match. */
    @Spec({"MQTT-3.3.4-2", "MQTT-3.3.4-3", "MQTT-3.3.4-4"})
    @Test
    void overlappingSubscriptionsMakeOneCopy() {
        try (var subscriber = Peer.online(V5);
                var publisher = Peer.online(V5)) {
            subscriber
                    .subscribe(1, Peer.to(topic + "/#", ZERO))
                    .subscribe(268_435_455, Peer.to(topic + "/+", TWO))
                    .subscribe(TWO, topic + "/a/#")
                    .subscribe(4, Peer.to(topic + "/b", TWO));
            publisher.publish(TWO, topic + "/a", "x").publish(TWO, topic, "marker");
            var publish = subscriber.taken();
            assertThat(publish.qos()).isEqualTo(TWO);
            assertThat(publish.properties().subscriptionIdentifiers()).containsExactlyInAnyOrder(1, 268_435_455);
            var marker = subscriber.taken();
            assertThat(Peer.text(marker)).isEqualTo("marker");
            assertThat(marker.properties().subscriptionIdentifiers()).containsExactly(1);
        }
    }

    @Spec(v311 = "MQTT-3.3.5-1")
    @ParameterizedTest
    @EnumSource(names = {"V3_1", "V3_1_1"})
    void overlappingSubscriptionsDeliverAtTheHighestQoS(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber
                    .subscribe(ZERO, topic + "/#")
                    .subscribe(TWO, topic + "/+")
                    .subscribe(ONE, topic + "/a");
            publisher.publish(TWO, topic + "/a", "x").publish(TWO, topic + "/b", "marker");
            assertThat(subscriber.taken().qos()).isEqualTo(TWO);
            assertThat(subscriber.text()).isEqualTo("marker");
        }
    }

    /** A Shared Subscription gets a copy of its own, and each copy the identifier of its subscription. */
    @Spec("MQTT-3.3.4-5")
    @Test
    void severalCopiesCarryTheirOwnIdentifiers() {
        try (var subscriber = Peer.online(V5);
                var publisher = Peer.online(V5)) {
            subscriber.subscribe(1, Peer.to(topic, ONE)).subscribe(2, Peer.to("$share/g/" + topic, ONE));
            publisher.publish(ONE, topic, "x");
            assertThat(List.of(subscriber.taken(), subscriber.taken()))
                    .allMatch(publish -> Peer.text(publish).equals("x"))
                    .extracting(publish -> publish.properties().subscriptionIdentifiers())
                    .containsExactlyInAnyOrder(List.of(1), List.of(2));
        }
    }

    /** The identifier is that of the subscription as it is now. */
    @Test
    void replacingASubscriptionReplacesItsIdentifier() {
        try (var subscriber = Peer.online(V5);
                var publisher = Peer.online(V5)) {
            subscriber.subscribe(1, Peer.to(topic, ONE)).subscribe(2, Peer.to(topic, ONE));
            publisher.publish(ONE, topic, "x");
            assertThat(subscriber.taken().properties().subscriptionIdentifiers())
                    .containsExactly(2);
            subscriber.subscribe(ONE, topic);
            publisher.publish(ONE, topic, "y");
            assertThat(subscriber.taken().properties().subscriptionIdentifiers())
                    .isEmpty();
        }
    }

    /** Each subscription costs memory and time: a client that asks for ever more is told where it ends, and keeps what it has. */
    @ParameterizedTest
    @EnumSource
    void oneTooManyIsRefused(ProtocolVersion version) {
        var refused = version.isV5() ? ReasonCode.QUOTA_EXCEEDED : ReasonCode.UNSPECIFIED_ERROR;
        var counted = Gateway.shared().metric("sluice_subscriptions_refused_total");
        try (var peer = Peer.online(version)) {
            for (int i = 0; i < 99; i++) peer.subscribe(ONE, topic + "/" + i);
            assertThat(peer.asked(
                            Peer.to(topic + "/99", TWO),
                            Peer.to(topic + "/100", TWO),
                            Peer.to(topic + "/0", TWO),
                            Peer.to("$share/g/" + topic, ONE)))
                    .containsExactly(ReasonCode.GRANTED_QOS_2, refused, ReasonCode.GRANTED_QOS_2, refused);
            peer.publish(ONE, topic + "/100", "nobody's").publish(TWO, topic + "/0", "mine");
            assertThat(peer.text()).isEqualTo("mine");
            assertThat(peer.unsubscribe(topic + "/7")).hasSize(version.isV5() ? 1 : 0);
            peer.subscribe(ONE, topic + "/100");
        }
        assertThat(Gateway.shared().metric("sluice_subscriptions_refused_total") - counted)
                .isEqualTo(2);
    }
}

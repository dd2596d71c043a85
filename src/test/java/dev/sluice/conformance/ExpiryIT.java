package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Spec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The Message Expiry Interval of MQTT 5 (section 3.3.2.3.3). */
class ExpiryIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final String topic = "talk/" + Device.id("expiry");
    private final String clientId = Device.id("expiry");

    private static Properties expiry(long seconds) {
        return Properties.NONE.with(Property.MESSAGE_EXPIRY_INTERVAL, seconds);
    }

    private static long remaining(Packet.Publish publish) {
        return publish.properties().number(Property.MESSAGE_EXPIRY_INTERVAL, -1);
    }

    private void publish(QoS qos, String text, long seconds) {
        try (var publisher = Peer.online(V5)) {
            publisher.publish(qos, topic, text, expiry(seconds));
        }
    }

    /** Until a message of so many seconds that was acknowledged before has expired. */
    private static void awaitPassed(int seconds) {
        var begin = System.nanoTime();
        await().until(() -> System.nanoTime() - begin > seconds * 1_000_000_000L);
    }

    @Spec("MQTT-3.3.2-5")
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void whatExpiresInTheQueueIsNotDelivered(QoS qos) {
        Peer.durable(V5, clientId).subscribe(qos, topic).leave();
        publish(qos, "expires", 1);
        publish(qos, "stays", 600);
        awaitPassed(1);
        try (var client = Peer.resumed(V5, clientId)) {
            assertThat(client.text()).isEqualTo("stays");
            client.assertNothingMore();
        }
    }

    /** Also where the client is online and its quota is used up. */
    @Spec("MQTT-3.3.2-5")
    @Test
    void whatExpiresWhileTheClientIsBusyIsNotDelivered() {
        try (var client = Peer.online(V5, Properties.NONE.with(Property.RECEIVE_MAXIMUM, 1))) {
            client.subscribe(ONE, topic);
            publish(ONE, "first", 1);
            publish(ONE, "expires", 1);
            publish(ONE, "stays", 600);
            var first = client.delivered();
            awaitPassed(1);
            client.answer(first);
            assertThat(client.text()).isEqualTo("stays");
        }
    }

    @Spec({"MQTT-3.3.2-5", "MQTT-3.3.2-6"})
    @Test
    void aRetainedMessageExpires() {
        try (var reader = Peer.online(V5);
                var publisher = Peer.online(V5)) {
            publisher.retain(ONE, topic + "/expires", "x", expiry(1)).retain(ONE, topic + "/stays", "x", expiry(600));
            awaitPassed(1);
            reader.subscribe(ONE, topic + "/#");
            var publish = reader.taken();
            assertThat(publish.topicName()).hasToString(topic + "/stays");
            assertThat(remaining(publish)).isBetween(590L, 599L);
            reader.assertNothingMore();
        }
    }

    @Spec("MQTT-3.3.2-6")
    @Test
    void theIntervalShrinksByTheTimeOfWaiting() {
        Peer.durable(V5, clientId).subscribe(ONE, topic).leave();
        publish(ONE, "waits", 600);
        awaitPassed(2);
        try (var client = Peer.resumed(V5, clientId)) {
            assertThat(remaining(client.taken())).isBetween(590L, 598L);
        }
    }

    @Spec("MQTT-3.3.2-6")
    @ParameterizedTest
    @EnumSource
    void whoIsOnlineGetsTheIntervalAsItWas(QoS qos) {
        try (var client = Peer.online(V5)) {
            client.subscribe(qos, topic);
            publish(qos, "at once", 600);
            assertThat(remaining(client.taken())).isBetween(590L, 600L);
        }
    }

    @Test
    void aMessageWithoutIntervalHasNoneLater() {
        Peer.durable(V5, clientId).subscribe(ONE, topic).leave();
        try (var publisher = Peer.online(V5)) {
            publisher.publish(ONE, topic, "x");
        }
        try (var client = Peer.resumed(V5, clientId)) {
            assertThat(remaining(client.taken())).isEqualTo(-1);
        }
    }

    /** What has been sent once does not expire any more: the client may hold half of the exchange. */
    @Spec("MQTT-4.3.3-7")
    @Test
    void whatHasBeenSentIsSentAgainAlsoWhenExpired() {
        int packetId;
        try (var client = Peer.durable(V5, clientId)) {
            client.subscribe(TWO, topic);
            publish(TWO, "sent", 1);
            packetId = client.delivered().packetId();
            client.leave();
        }
        awaitPassed(1);
        try (var client = Peer.resumed(V5, clientId)) {
            var again = client.taken();
            assertThat(Peer.text(again)).isEqualTo("sent");
            assertThat(again.packetId()).isEqualTo(packetId);
            assertThat(again.dup()).isTrue();
        }
    }

    /** What was never sent expires as ever, also where nobody could say what had been sent: Receive Maximum bounds it. */
    @Spec("MQTT-3.3.2-5")
    @Test
    void aTakeOverDoesNotBringWhatHasExpired() {
        var properties = Device.expiry(60).with(Property.RECEIVE_MAXIMUM, 1);
        try (var older = Peer.connect(new Packet.Connect(V5, false, 60, clientId, null, null, null, properties))) {
            older.subscribe(ONE, topic);
            for (int i = 0; i < 5; i++) publish(ONE, "expires-" + i, 1);
            publish(ONE, "stays", 600);
            assertThat(Peer.text(older.delivered())).isEqualTo("expires-0");
            awaitPassed(1);
            try (var newer = Peer.resumed(new Packet.Connect(V5, false, 60, clientId, null, null, null, properties))) {
                var again = newer.taken();
                assertThat(Peer.text(again)).isEqualTo("expires-0");
                assertThat(again.dup()).isTrue();
                var next = newer.taken();
                assertThat(Peer.text(next)).isEqualTo("stays");
                assertThat(next.dup()).isFalse();
            }
        }
    }

    @Spec("MQTT-4.3.3-13")
    @Test
    void aClientsExchangeGoesOnWhenItsMessageHasExpired() {
        try (var client = Device.online(V5, clientId)) {
            var publish = Device.publish(TWO, 3, topic, new byte[] {1}, expiry(1));
            client.sendPackets(publish).receive(Packet.PubRec.class);
            awaitPassed(1);
            client.sendPackets(Device.repeated(publish));
            assertThat(client.receive(Packet.PubRec.class)).isEqualTo(new Packet.PubRec(3));
            client.sendPackets(new Packet.PubRel(3));
            assertThat(client.receive(Packet.PubComp.class)).isEqualTo(new Packet.PubComp(3));
        }
    }

    @Test
    void aMessageAlsoExpiresForAnOlderClient() {
        Peer.durable(ProtocolVersion.V3_1_1, clientId).subscribe(ONE, topic).leave();
        publish(ONE, "expires", 1);
        try (var publisher = Peer.online(ProtocolVersion.V3_1_1)) {
            publisher.publish(ONE, topic, "stays");
        }
        awaitPassed(1);
        try (var client = Peer.resumed(ProtocolVersion.V3_1_1, clientId)) {
            assertThat(client.text()).isEqualTo("stays");
        }
    }
}

package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Spec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a client finds when it comes back to its session. */
class ResumeIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final String topic = "talk/" + Device.id("resume");
    private final String clientId = Device.id("resume");

    private void publish(ProtocolVersion version, QoS qos, String... texts) {
        try (var publisher = Peer.online(version)) {
            for (var text : texts) publisher.publish(qos, topic, text);
        }
    }

    private static boolean isKnown(String id) {
        return Gateway.shared().query("SELECT epoch FROM session WHERE client_id = ?", id) != null;
    }

    @Spec(
            value = {"MQTT-3.1.2-5", "MQTT-3.1.2-23", "MQTT-3.1.3-2", "MQTT-4.5.0-1"},
            v311 = {"MQTT-3.1.2-4", "MQTT-3.1.2-5", "MQTT-3.1.3-2", "MQTT-4.1.0-1", "MQTT-4.5.0-1"})
    @ParameterizedTest
    @EnumSource
    void whatCameMeanwhileIsDeliveredInOrder(ProtocolVersion version) {
        var other = Device.id("other");
        Peer.durable(version, clientId).subscribe(TWO, topic).leave();
        Peer.durable(version, other).subscribe(TWO, topic + "/other").leave();
        var texts = IntStream.range(0, 20).mapToObj(i -> "m" + i).toArray(String[]::new);
        publish(version, TWO, texts);
        try (var back = Peer.resumed(version, clientId);
                var stranger = Peer.resumed(version, other)) {
            for (var text : texts) {
                var publish = back.taken();
                assertThat(Peer.text(publish)).isEqualTo(text);
                assertThat(publish.dup()).isFalse();
            }
            back.assertNothingMore();
            stranger.assertNothingMore();
            publish(version, ONE, "live");
            assertThat(back.text()).isEqualTo("live");
        }
        try (var back = Peer.resumed(version, clientId)) {
            back.assertNothingMore();
        }
    }

    /** Under the identifiers of the first time, with DUP, in the order of the first time, before anything new. */
    @Spec(
            value = {"MQTT-3.3.1-1", "MQTT-4.3.2-3", "MQTT-4.3.3-3", "MQTT-4.4.0-1", "MQTT-4.6.0-1"},
            v311 = {"MQTT-2.3.1-4", "MQTT-3.3.1-1", "MQTT-4.3.2-1", "MQTT-4.3.3-1", "MQTT-4.4.0-1", "MQTT-4.6.0-1"})
    @ParameterizedTest
    @EnumSource
    void whatIsUnacknowledgedIsSentAgain(ProtocolVersion version) {
        var sent = new ArrayList<Packet.Publish>();
        try (var client = Peer.durable(version, clientId)) {
            client.subscribe(TWO, topic);
            publish(version, ONE, "a", "answered");
            publish(version, TWO, "b", "c");
            publish(version, ONE, "d");
            for (int i = 0; i < 5; i++) {
                var publish = client.delivered();
                assertThat(publish.dup()).isFalse();
                if (Peer.text(publish).equals("answered")) client.answer(publish);
                else sent.add(publish);
            }
            client.leave();
        }
        publish(version, ONE, "new");
        for (int attempt = 0; attempt < 2; attempt++) {
            try (var client = Peer.resumed(version, clientId)) {
                for (var first : sent) {
                    var again = client.delivered();
                    assertThat(Peer.text(again)).isEqualTo(Peer.text(first));
                    assertThat(again.packetId()).isEqualTo(first.packetId());
                    assertThat(again.qos()).isEqualTo(first.qos());
                    assertThat(again.dup()).isTrue();
                }
                assertThat(Peer.text(client.delivered())).isEqualTo("new");
                client.assertNothingMore();
            }
        }
    }

    /** Also where the connection breaks instead of ending with DISCONNECT. */
    @Spec(value = "MQTT-4.4.0-1", v311 = "MQTT-4.4.0-1")
    @ParameterizedTest
    @EnumSource
    void whatALostConnectionLeftIsSentAgain(ProtocolVersion version) {
        int packetId;
        try (var client = Peer.durable(version, clientId)) {
            client.subscribe(ONE, topic);
            publish(version, ONE, "a");
            packetId = client.delivered().packetId();
        }
        try (var client = Peer.resumed(version, clientId)) {
            var again = client.taken();
            assertThat(again.packetId()).isEqualTo(packetId);
            assertThat(again.dup()).isTrue();
            client.assertNothingMore();
        }
    }

    /** After PUBREC, PUBREL is sent again and the PUBLISH is not. */
    @Spec(
            value = {"MQTT-4.3.3-5", "MQTT-4.3.3-6", "MQTT-4.4.0-1"},
            v311 = {"MQTT-4.3.3-1", "MQTT-4.4.0-1"})
    @ParameterizedTest
    @EnumSource
    void aPubRelIsSentAgain(ProtocolVersion version) {
        int packetId;
        try (var client = Peer.durable(version, clientId)) {
            client.subscribe(TWO, topic);
            publish(version, TWO, "a");
            packetId = client.delivered().packetId();
            client.wire().sendPackets(new Packet.PubRec(packetId)).receive(Packet.PubRel.class);
        }
        for (int attempt = 0; attempt < 2; attempt++) {
            try (var client = Peer.resumed(version, clientId)) {
                assertThat(client.wire().receive(Packet.PubRel.class)).isEqualTo(new Packet.PubRel(packetId));
                client.assertNothingMore();
                if (attempt == 1) client.wire().sendPackets(new Packet.PubComp(packetId));
                client.leave();
            }
        }
        try (var client = Peer.resumed(version, clientId)) {
            client.assertNothingMore();
        }
    }

    /** Only a new connection makes the server send again. */
    @Spec(value = "MQTT-4.4.0-1", v311 = "MQTT-4.4.0-1")
    @ParameterizedTest
    @EnumSource
    void nothingIsSentAgainOnTheSameConnection(ProtocolVersion version) {
        try (var client = Peer.durable(version, clientId)) {
            client.subscribe(TWO, topic);
            publish(version, ONE, "a");
            publish(version, TWO, "b");
            var first = client.delivered();
            var second = client.delivered();
            client.subscribe(TWO, topic);
            await().during(Duration.ofSeconds(3)).until(() -> {
                client.assertNothingMore();
                return true;
            });
            client.answer(first);
            client.answer(second);
            client.assertNothingMore();
        }
    }

    @Spec("MQTT-4.4.0-2")
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void whatTheClientHasRefusedIsNotSentAgain(QoS qos) {
        try (var client = Peer.durable(V5, clientId)) {
            client.subscribe(qos, topic);
            publish(V5, qos, "refused");
            var packetId = client.delivered().packetId();
            var reason = ReasonCode.UNSPECIFIED_ERROR;
            client.wire()
                    .sendPackets(
                            qos == ONE
                                    ? new Packet.PubAck(packetId, reason, Properties.NONE)
                                    : new Packet.PubRec(packetId, reason, Properties.NONE));
            client.assertNothingMore();
            client.leave();
        }
        publish(V5, qos, "marker");
        try (var client = Peer.resumed(V5, clientId)) {
            assertThat(client.text()).isEqualTo("marker");
        }
    }

    @Spec(
            value = {"MQTT-3.1.2-4", "MQTT-3.1.4-4"},
            v311 = {"MQTT-3.1.2-6", "MQTT-3.1.4-3"})
    @ParameterizedTest
    @EnumSource
    void aCleanStartLeavesNothingOfTheSession(ProtocolVersion version) {
        try (var client = Peer.durable(version, clientId)) {
            client.subscribe(TWO, topic);
            publish(version, TWO, "unanswered");
            client.delivered();
            client.leave();
        }
        publish(version, TWO, "queued");
        try (var anew = Peer.connect(Device.connect(version, clientId, true, Properties.NONE))) {
            publish(version, TWO, "unwanted");
            anew.assertNothingMore();
            anew.subscribe(TWO, topic);
            publish(version, TWO, "marker");
            assertThat(anew.text()).isEqualTo("marker");
            anew.leave();
        }
        await().until(() -> !isKnown(clientId));
        try (var anew = Peer.durable(version, clientId)) {
            publish(version, TWO, "unwanted");
            anew.assertNothingMore();
        }
    }

    /** A session that has expired is like one that never was. */
    @Spec("MQTT-4.1.0-2")
    @Test
    void anExpiredSessionLeavesNothing() {
        var connect = Device.connect(V5, clientId, false, Device.expiry(1));
        Peer.connect(connect).subscribe(ONE, topic).leave();
        publish(V5, ONE, "queued");
        await().until(() -> !isKnown(clientId));
        try (var anew = Peer.connect(connect)) {
            publish(V5, ONE, "unwanted");
            anew.assertNothingMore();
        }
    }

    /** Its expiry counts from the end of the connection: another session of the same expiry goes, this one stays. */
    @Spec(
            value = "MQTT-4.1.0-1",
            v311 = {"MQTT-4.1.0-1", "MQTT-4.1.0-2"})
    @Test
    void aSessionLastsAsLongAsItsConnection() {
        var shortLived = Device.id("short");
        try (var client = Peer.connect(Device.connect(V5, clientId, true, Device.expiry(1)));
                var older = Peer.online(ProtocolVersion.V3_1_1)) {
            client.subscribe(ONE, topic);
            older.subscribe(ONE, topic);
            Peer.connect(Device.connect(V5, shortLived, true, Device.expiry(1))).leave();
            await().until(() -> !isKnown(shortLived));
            publish(V5, ONE, "still");
            assertThat(client.text()).isEqualTo("still");
            assertThat(older.text()).isEqualTo("still");
        }
    }

    /** What the client itself had not finished: a QoS 2 message is delivered once, whatever happens to the connection. */
    @Spec(value = "MQTT-4.3.3-10", v311 = "MQTT-4.3.3-2")
    @ParameterizedTest
    @EnumSource
    void aClientsQoS2MessageIsDeliveredOnce(ProtocolVersion version) {
        var publish = Device.publish(TWO, 9, topic, "once");
        try (var subscriber = Peer.online(version).subscribe(TWO, topic)) {
            try (var client = Device.durable(version, clientId, false)) {
                client.sendPackets(publish).receive(Packet.PubRec.class);
            }
            try (var client = Device.durable(version, clientId, version != ProtocolVersion.V3_1)) {
                client.sendPackets(Device.repeated(publish)).receive(Packet.PubRec.class);
                client.sendPackets(new Packet.PubRel(9)).receive(Packet.PubComp.class);
            }
            publish(version, TWO, "marker");
            assertThat(List.of(subscriber.text(), subscriber.text())).containsExactly("once", "marker");
        }
    }
}

package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Frames;
import dev.sluice.support.Spec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** From one client to another, both online. */
class DeliverIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ZERO = QoS.AT_MOST_ONCE;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final String topic = "talk/" + Device.id("deliver");

    /** Neither a packet identifier nor DUP; in MQTT 5 no properties. */
    @Spec(
            value = {"MQTT-2.2.1-2", "MQTT-2.2.2-1", "MQTT-3.3.1-2", "MQTT-3.3.2-1", "MQTT-4.3.1-1"},
            v311 = {"MQTT-2.3.1-5", "MQTT-3.3.1-2", "MQTT-3.3.2-1", "MQTT-4.3.1-1"})
    @ParameterizedTest
    @EnumSource
    void aQoS0MessageIsItsTopicAndItsPayload(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(TWO, topic);
            publisher.publish(ZERO, topic, "x");
            var name = topic.getBytes(StandardCharsets.UTF_8);
            var rest = version.isV5() ? new byte[] {0, 'x'} : new byte[] {'x'};
            assertThat(subscriber.wire().receiveBytes())
                    .isEqualTo(Frames.join(
                            new byte[] {0x30, (byte) (2 + name.length + rest.length), 0, (byte) name.length},
                            name,
                            rest));
        }
    }

    @Spec(
            value = {"MQTT-2.2.1-4", "MQTT-4.3.2-1", "MQTT-4.3.2-2", "MQTT-4.3.3-1", "MQTT-4.3.3-2"},
            v311 = {"MQTT-2.3.1-1", "MQTT-2.3.1-4", "MQTT-4.3.2-1"})
    @ParameterizedTest
    @EnumSource
    void unacknowledgedMessagesHaveDifferentIdentifiers(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(TWO, topic);
            var ids = new ArrayList<Integer>();
            for (int i = 0; i < 20; i++) {
                publisher.publish(i % 2 == 0 ? ONE : TWO, topic, "x");
                var publish = subscriber.delivered();
                assertThat(publish.dup()).isFalse();
                assertThat(publish.qos()).isEqualTo(i % 2 == 0 ? ONE : TWO);
                ids.add(publish.packetId());
            }
            assertThat(ids).doesNotHaveDuplicates().allMatch(id -> id > 0);
        }
    }

    /** The handshake byte for byte. */
    @Spec(
            value = {"MQTT-2.2.1-5", "MQTT-3.6.1-1", "MQTT-4.3.3-4"},
            v311 = {"MQTT-2.3.1-6", "MQTT-3.6.1-1", "MQTT-4.3.3-1"})
    @ParameterizedTest
    @EnumSource
    void pubRelFollowsPubRec(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(TWO, topic);
            publisher.publish(TWO, topic, "x");
            var packetId = subscriber.delivered().packetId();
            var wire = subscriber.wire().sendPackets(new Packet.PubRec(packetId));
            assertThat(wire.receiveBytes()).containsExactly(0x62, 2, packetId >> 8, packetId & 0xFF);
            wire.sendPackets(new Packet.PubComp(packetId));
            subscriber.assertNothingMore();
        }
    }

    /** What was never sent has nothing to release. */
    @Spec("MQTT-3.6.2-1")
    @Test
    void anUnknownPubRecIsAnsweredWithItsReason() {
        try (var client = Device.online(V5, Device.id("deliver"))) {
            var answer = client.sendPackets(new Packet.PubRec(99)).receive(Packet.PubRel.class);
            assertThat(answer)
                    .isEqualTo(new Packet.PubRel(99, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND, Properties.NONE));
        }
    }

    @Spec(
            value = {"MQTT-3.3.4-1", "MQTT-4.3.2-4", "MQTT-4.3.3-8", "MQTT-4.3.3-11"},
            v311 = {"MQTT-2.3.1-6", "MQTT-3.3.4-1", "MQTT-4.3.2-2", "MQTT-4.3.3-2"})
    @ParameterizedTest
    @EnumSource
    void aPublishIsAnsweredAsItsQoSAsks(ProtocolVersion version) {
        try (var client = Device.online(version, Device.id("deliver"))) {
            client.sendPackets(Device.publish(ONE, 0x1234, topic, "x"));
            assertThat(client.receiveBytes()).containsExactly(0x40, 2, 0x12, 0x34);
            client.sendPackets(Device.publish(TWO, 0x1235, topic, "x"));
            assertThat(client.receiveBytes()).containsExactly(0x50, 2, 0x12, 0x35);
            client.sendPackets(new Packet.PubRel(0x1235));
            assertThat(client.receiveBytes()).containsExactly(0x70, 2, 0x12, 0x35);
            client.sendPackets(Device.publish(ZERO, 0, topic, "x"), new Packet.PingReq());
            client.receive(Packet.PingResp.class);
        }
    }

    /** DUP says only whether this server sends the packet again. */
    @Spec(
            value = {"MQTT-3.3.1-3", "MQTT-4.3.2-5"},
            v311 = {"MQTT-3.3.1-3", "MQTT-4.3.2-2"})
    @ParameterizedTest
    @EnumSource
    void aRepeatAfterPubAckIsANewMessage(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Device.online(version, Device.id("deliver"))) {
            subscriber.subscribe(ONE, topic);
            for (int i = 0; i < 2; i++) {
                publisher.sendPackets(Device.repeated(Device.publish(ONE, 7, topic, "m" + i)));
                publisher.receive(Packet.PubAck.class);
                var publish = subscriber.taken();
                assertThat(Peer.text(publish)).isEqualTo("m" + i);
                assertThat(publish.dup()).isFalse();
            }
        }
    }

    @Spec(
            value = {"MQTT-4.3.3-10", "MQTT-4.3.3-12"},
            v311 = "MQTT-4.3.3-2")
    @ParameterizedTest
    @EnumSource
    void aRepeatBeforePubRelIsNotDeliveredTwice(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Device.online(version, Device.id("deliver"))) {
            subscriber.subscribe(TWO, topic);
            var publish = Device.publish(TWO, 7, topic, "once");
            for (int i = 0; i < 3; i++) {
                publisher.sendPackets(i == 0 ? publish : Device.repeated(publish));
                assertThat(publisher.receive(Packet.PubRec.class).packetId()).isEqualTo(7);
            }
            publisher.sendPackets(new Packet.PubRel(7)).receive(Packet.PubComp.class);
            publisher.sendPackets(Device.repeated(Device.publish(TWO, 7, topic, "new")));
            publisher.receive(Packet.PubRec.class);
            assertThat(subscriber.text()).isEqualTo("once");
            assertThat(subscriber.text()).isEqualTo("new");
        }
    }

    @Spec(
            value = {"MQTT-4.6.0-5", "MQTT-4.6.0-6"},
            v311 = {"MQTT-4.6.0-5", "MQTT-4.6.0-6"})
    @ParameterizedTest
    @EnumSource
    void messagesKeepTheirOrder(QoS qos) {
        try (var newer = Peer.online(V5);
                var older = Peer.online(ProtocolVersion.V3_1_1);
                var publisher = Device.online(ProtocolVersion.V3_1_1, Device.id("deliver"))) {
            newer.subscribe(qos, topic);
            older.subscribe(qos, topic);
            publisher.sendPackets(IntStream.rangeClosed(1, 200)
                    .mapToObj(i -> Device.publish(qos, qos == ZERO ? 0 : i, topic, "" + i))
                    .toArray(Packet[]::new));
            var expected =
                    IntStream.rangeClosed(1, 200).mapToObj(Integer::toString).toList();
            assertThat(IntStream.range(0, 200).mapToObj(_ -> newer.text()).toList())
                    .isEqualTo(expected);
            assertThat(IntStream.range(0, 200).mapToObj(_ -> older.text()).toList())
                    .isEqualTo(expected);
        }
    }

    @Spec(value = "MQTT-4.6.0-3", v311 = "MQTT-4.6.0-3")
    @ParameterizedTest
    @EnumSource
    void pubRecsKeepTheOrderOfTheirPublishes(ProtocolVersion version) {
        try (var client = Device.online(version, Device.id("deliver"))) {
            var count = version.isV5() ? 20 : 200; // of MQTT 5, the Receive Maximum
            client.sendPackets(IntStream.rangeClosed(1, count)
                    .mapToObj(id -> Device.publish(TWO, id, topic, "x"))
                    .toArray(Packet[]::new));
            for (int id = 1; id <= count; id++)
                assertThat(client.receive(Packet.PubRec.class).packetId()).isEqualTo(id);
        }
    }

    @Spec(value = "MQTT-4.6.0-4", v311 = "MQTT-4.6.0-4")
    @ParameterizedTest
    @EnumSource
    void pubRelsKeepTheOrderOfPubRecs(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(TWO, topic);
            for (int i = 0; i < 5; i++) publisher.publish(TWO, topic, "x");
            var received = new ArrayList<Packet>();
            for (int i = 0; i < 5; i++)
                received.addFirst(new Packet.PubRec(subscriber.delivered().packetId()));
            subscriber.wire().sendPackets(received.toArray(Packet[]::new));
            for (var answered : received)
                assertThat(subscriber.await(Packet.PubRel.class).packetId())
                        .isEqualTo(((Packet.PubRec) answered).packetId());
        }
    }

    /** Versions may differ between publisher and subscriber. */
    @ParameterizedTest
    @CsvSource({"V3_1,V5", "V3_1_1,V5", "V5,V3_1", "V5,V3_1_1", "V3_1_1,V3_1"})
    void versionsTalkToEachOther(ProtocolVersion from, ProtocolVersion to) {
        try (var subscriber = Peer.online(to);
                var publisher = Peer.online(from)) {
            subscriber.subscribe(TWO, topic + "/#");
            for (var qos : QoS.values()) {
                publisher.publish(qos, topic + "/" + qos, "x");
                var publish = subscriber.taken();
                assertThat(publish.qos()).isEqualTo(qos);
                assertThat(publish.topicName()).hasToString(topic + "/" + qos);
                assertThat(publish.properties()).isEqualTo(Properties.NONE);
            }
        }
    }

    @Spec(value = "MQTT-4.5.0-1", v311 = "MQTT-4.5.0-1")
    @ParameterizedTest
    @EnumSource
    void everySubscriberGetsACopy(QoS qos) {
        var clientId = Device.id("deliver");
        try (var publisher = Peer.online(V5);
                var online = Peer.online(V5);
                var older = Peer.durable(ProtocolVersion.V3_1_1, Device.id("deliver"))) {
            try (var offline = Peer.durable(V5, clientId)) {
                for (var peer : List.of(online, older, offline)) peer.subscribe(TWO, topic);
                offline.leave();
            }
            publisher.publish(qos, topic, "x").publish(TWO, topic, "marker");
            for (var peer : List.of(online, older)) {
                assertThat(peer.text()).isEqualTo("x");
                assertThat(peer.text()).isEqualTo("marker");
            }
            try (var offline = Peer.resumed(V5, clientId)) {
                // Section 4.1: QoS 0 messages may be left out while the client is away.
                if (qos != ZERO) assertThat(offline.text()).isEqualTo("x");
                assertThat(offline.text()).isEqualTo("marker");
            }
        }
    }
}

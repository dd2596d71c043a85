package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.support.Spec;
import dev.sluice.support.WireClient;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a client's Maximum Packet Size and Request Problem Information do to what it is sent. */
class PacketSizeIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    /** Room for every packet without properties, and for no Reason String. */
    private static final Properties SMALL = Properties.NONE.with(Property.MAXIMUM_PACKET_SIZE, 12);

    private final String topic = "talk/" + Device.id("size");

    private static Properties largest(int bytes) {
        return Properties.NONE.with(Property.MAXIMUM_PACKET_SIZE, bytes);
    }

    @Spec({"MQTT-3.1.2-24", "MQTT-3.1.2-25"})
    @ParameterizedTest
    @EnumSource
    void aMessageThatIsTooLargeIsPassedOver(QoS qos) {
        var fits = "x".repeat(100 - topic.length() - (qos == QoS.AT_MOST_ONCE ? 5 : 7));
        try (var subscriber = Peer.online(V5, largest(100));
                var publisher = Peer.online(V5)) {
            subscriber.subscribe(qos, topic);
            for (int i = 0; i < 3; i++) {
                publisher.publish(qos, topic, fits + "y").publish(qos, topic, fits);
                var publish = subscriber.taken();
                assertThat(Peer.text(publish)).isEqualTo(fits);
                assertThat(subscriber.wire().bytes(publish)).hasSize(100);
            }
        }
    }

    /** It is done with, and does not come later when the client takes more. */
    @Spec("MQTT-3.1.2-25")
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void aMessageThatWasTooLargeIsNotSentLater(QoS qos) {
        var clientId = Device.id("size");
        var properties = largest(100).with(Property.SESSION_EXPIRY_INTERVAL, 60);
        try (var subscriber = Peer.connect(Device.connect(V5, clientId, true, properties));
                var publisher = Peer.online(V5)) {
            subscriber.subscribe(qos, topic);
            publisher.publish(qos, topic, "x".repeat(100)).publish(qos, topic, "small");
            assertThat(subscriber.text()).isEqualTo("small");
            subscriber.leave();
        }
        try (var subscriber = Peer.resumed(V5, clientId);
                var publisher = Peer.online(V5)) {
            publisher.publish(qos, topic, "marker");
            assertThat(subscriber.text()).isEqualTo("marker");
        }
    }

    /** A client that waits for an answer which is not sent would wait for ever. */
    @Test
    void aConnAckThatIsTooLargeIsARefusal() {
        try (var client = Device.socket(V5)) {
            var refused =
                    client.connect(Device.connect(V5, "", true, largest(10))).receiveBytes();
            assertThat(refused).containsExactly(0x20, 3, 0, ReasonCode.PACKET_TOO_LARGE.value(), 0);
            assertThat(client.closeStatus()).isEqualTo(1009);
        }
        try (var client = Device.socket(V5)) {
            assertThat(client.connect(Device.connect(V5, "", true, largest(4))).closeStatus())
                    .isEqualTo(1009);
        }
    }

    @Test
    void aSubAckOrUnsubAckThatIsTooLargeEndsTheConnection() {
        var filters = IntStream.range(0, 70).mapToObj(i -> topic + i).toList();
        var subscriptions = filters.stream()
                .map(filter -> new Subscription(filter, QoS.AT_MOST_ONCE, false, false, 0))
                .toList();
        for (var packet : List.of(
                new Packet.Subscribe(1, subscriptions, Properties.NONE),
                new Packet.Unsubscribe(1, filters, Properties.NONE))) {
            try (var client = Peer.online(V5, largest(60))) {
                client.wire().sendPackets(packet);
                Device.assertEnded(client.wire(), V5, ReasonCode.PACKET_TOO_LARGE);
            }
        }
    }

    @Spec("MQTT-3.2.2-19")
    @Test
    void aConnAckLeavesOutWhatIsTooLong() {
        try (var client = Device.socket(V5)) {
            var refused = client.connect(Device.connect(V5, "x".repeat(65), true, SMALL))
                    .receiveBytes();
            assertThat(refused).containsExactly(0x20, 3, 0, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID.value(), 0);
        }
        try (var client = Device.socket(V5)) {
            var asked = SMALL.with(Property.AUTHENTICATION_METHOD, "none");
            var refused = client.connect(Device.connect(V5, Device.id("size"), true, asked))
                    .receiveBytes();
            assertThat(refused).containsExactly(0x20, 3, 0, ReasonCode.BAD_AUTHENTICATION_METHOD.value(), 0);
        }
    }

    @Spec({"MQTT-3.4.2-2", "MQTT-3.5.2-2"})
    @ParameterizedTest
    @CsvSource({"AT_LEAST_ONCE,64", "EXACTLY_ONCE,80"})
    void anAcknowledgementLeavesOutWhatIsTooLong(QoS qos, int type) {
        try (var client = connected(Properties.NONE)) {
            var bytes =
                    client.sendPackets(Device.publish(qos, 5, "nowhere", "x")).receiveBytes();
            assertThat(bytes).hasSizeGreaterThan(12).startsWith(type);
        }
        try (var client = connected(roomForConnAck())) {
            var bytes =
                    client.sendPackets(Device.publish(qos, 5, "nowhere", "x")).receiveBytes();
            assertThat(bytes).containsExactly(type, 3, 0, 5, ReasonCode.TOPIC_NAME_INVALID.value());
        }
    }

    @Spec("MQTT-3.14.2-3")
    @Test
    void aDisconnectLeavesOutWhatIsTooLong() {
        try (var client = connected(Properties.NONE)) {
            assertThat(client.sendPackets(new Packet.PingResp()).receiveBytes()).hasSizeGreaterThan(12);
        }
        try (var client = connected(roomForConnAck())) {
            assertThat(client.sendPackets(new Packet.PingResp()).receiveBytes())
                    .containsExactly(0xE0, 1, ReasonCode.PROTOCOL_ERROR.value());
        }
    }

    /** CONNACK of the shared gateway takes 19 bytes; the Reason Strings of these tests are longer. */
    private static Properties roomForConnAck() {
        return largest(24);
    }

    private static WireClient connected(Properties properties) {
        var client = Device.socket(V5);
        Device.connected(client, Device.connect(V5, Device.id("size"), true, properties));
        return client;
    }

    @Spec("MQTT-3.1.2-29")
    @Test
    void whoDeclinesProblemInformationGetsItInDisconnectAtMost() {
        try (var client = connected(Properties.NONE.with(Property.REQUEST_PROBLEM_INFORMATION, 0))) {
            for (var qos : new QoS[] {ONE, QoS.EXACTLY_ONCE}) {
                var bytes = client.sendPackets(Device.publish(qos, 5, "nowhere", "x"))
                        .receiveBytes();
                assertThat(bytes).hasSize(5).endsWith(ReasonCode.TOPIC_NAME_INVALID.value());
            }
            client.sendPackets(new Packet.Subscribe(6, List.of(Peer.to("wrong#", ONE)), Properties.NONE));
            assertThat(client.receiveBytes())
                    .containsExactly(0x90, 4, 0, 6, 0, ReasonCode.TOPIC_FILTER_INVALID.value());
            client.sendPackets(new Packet.Unsubscribe(7, List.of("wrong#"), Properties.NONE));
            assertThat(client.receiveBytes()).hasSize(6).startsWith(0xB0, 4, 0, 7, 0);
            client.sendPackets(new Packet.PubRec(8));
            assertThat(client.receiveBytes())
                    .containsExactly(0x62, 3, 0, 8, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND.value());
            client.sendPackets(new Packet.PubRel(9));
            assertThat(client.receiveBytes())
                    .containsExactly(0x70, 3, 0, 9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND.value());
        }
    }
}

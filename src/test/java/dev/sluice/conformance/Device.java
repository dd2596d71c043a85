package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** The packets that a device of these tests sends. Stateless. */
final class Device {
    private Device() {}

    /** A client identifier that no other test uses. */
    static String id(String what) {
        return what + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    static WireClient socket(ProtocolVersion version) {
        return WireClient.open(Gateway.shared().port(), version);
    }

    static Packet.Connect connect(ProtocolVersion version, String clientId, boolean cleanStart, Properties properties) {
        return new Packet.Connect(version, cleanStart, 60, clientId, null, null, null, properties);
    }

    /** A client that is online with a session of its own. */
    static WireClient online(ProtocolVersion version, String clientId) {
        var client = socket(version);
        assertThat(connected(client, connect(version, clientId, true, Properties.NONE)))
                .isFalse();
        return client;
    }

    /** A client whose session outlives its connection, for an hour. */
    static WireClient durable(ProtocolVersion version, String clientId, boolean expectPresent) {
        var properties = version.isV5() ? expiry(3600) : Properties.NONE;
        var client = socket(version);
        assertThat(connected(client, connect(version, clientId, false, properties)))
                .isEqualTo(expectPresent);
        return client;
    }

    /** Connects and returns Session Present. */
    static boolean connected(WireClient client, Packet.Connect connect) {
        var answer = client.connect(connect).receive(Packet.ConnAck.class);
        assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
        return answer.sessionPresent();
    }

    static Packet.Connect connect(ProtocolVersion version, String clientId, Will will, Properties properties) {
        return new Packet.Connect(version, true, 60, clientId, will, null, null, properties);
    }

    static Properties expiry(long seconds) {
        return Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, seconds);
    }

    static Packet.Publish publish(QoS qos, int packetId, String topic, String payload) {
        return publish(qos, packetId, topic, payload.getBytes(StandardCharsets.UTF_8), Properties.NONE);
    }

    static Packet.Publish publish(QoS qos, int packetId, String topic, byte[] payload, Properties properties) {
        return new Packet.Publish(false, qos, false, TopicName.of(topic), packetId, properties, payload);
    }

    static Packet.Publish repeated(Packet.Publish publish) {
        return new Packet.Publish(
                true,
                publish.qos(),
                publish.retain(),
                publish.topicName(),
                publish.packetId(),
                publish.properties(),
                publish.payload());
    }

    static Packet.Disconnect goodbye() {
        return new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE);
    }

    /** Expects DISCONNECT with this reason where the version has it, and then the end of the socket. */
    static void assertEnded(WireClient client, ProtocolVersion version, ReasonCode reason) {
        if (version.isV5())
            assertThat(client.receive(Packet.Disconnect.class).reason()).isEqualTo(reason);
        client.closeStatus();
    }
}

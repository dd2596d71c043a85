package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;
import static dev.sluice.packet.ReasonCode.PROTOCOL_ERROR;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import java.nio.ByteBuffer;

/** Owns how PUBLISH is read (section 3.3). Stateless; the names and properties it knows belong to the connection. */
final class PublishReader {
    private static final int RETAIN = 0b0001;
    private static final int DUP = 0b1000;

    private PublishReader() {}

    static Packet.Publish read(
            ProtocolVersion version, int flags, ByteBuffer in, ReceivedTopics topics, ReceivedProperties known) {
        var dup = (flags & DUP) != 0;
        var qos = qos(flags, dup);
        var topicName = topics.read(in);
        var packetId = qos == QoS.AT_MOST_ONCE ? 0 : Wire.packetId(in);
        var properties = version.isV5() ? known.read(in) : Properties.NONE;
        if (topicName.isEmpty()) checkAlias(version, properties);
        var payload = Wire.bytes(in, in.remaining());
        return new Packet.Publish(dup, qos, (flags & RETAIN) != 0, topicName, packetId, properties, payload);
    }

    private static QoS qos(int flags, boolean dup) {
        var bits = flags >> 1 & 0b11;
        if (bits == 3) throw new MqttFault(MALFORMED_PACKET, "QoS 3"); // [MQTT-3.3.1-4]
        if (dup && bits == 0) throw new MqttFault(MALFORMED_PACKET, "DUP at QoS 0"); // [MQTT-3.3.1-2]
        return QoS.of(bits);
    }

    private static void checkAlias(ProtocolVersion version, Properties properties) {
        if (properties.has(Property.TOPIC_ALIAS)) return;
        // [MQTT-4.7.3-1]; section 3.3.2.1 of MQTT 5 names the Protocol Error
        throw new MqttFault(version.isV5() ? PROTOCOL_ERROR : MALFORMED_PACKET, "neither Topic Name nor Topic Alias");
    }
}

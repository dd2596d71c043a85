package dev.sluice.codec;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.Will;

/** Owns how CONNECT and CONNACK are written (sections 3.1, 3.2). Stateless. */
final class ConnectWriter {
    private static final int CLEAN_START = 0x02;
    private static final int WILL = 0x04;
    private static final int WILL_QOS_SHIFT = 3;
    private static final int WILL_RETAIN = 0x20;
    private static final int PASSWORD = 0x40;
    private static final int USER_NAME = 0x80;
    private static final int LEVEL_FLAGS_AND_KEEP_ALIVE = 4;

    private ConnectWriter() {}

    static int remainingLength(Packet.Connect connect) {
        var length = 2 + connect.version().protocolName().length() + LEVEL_FLAGS_AND_KEEP_ALIVE;
        length += propertiesSize(connect.version(), connect.properties());
        length += 2 + Utf8.length(connect.clientId());
        var will = connect.will();
        if (will != null) {
            length += propertiesSize(connect.version(), will.properties());
            length += 2 + will.topicName().utf8().length + 2 + will.payload().length;
        }
        if (connect.username() != null) length += 2 + Utf8.length(connect.username());
        if (connect.password() != null) length += 2 + connect.password().length;
        return length;
    }

    static void write(Packet.Connect connect, PacketBuffer out) {
        var version = connect.version();
        out.putText(version.protocolName());
        out.putByte(version.level());
        out.putByte(flags(connect));
        out.putTwoBytes(connect.keepAlive());
        if (version.isV5()) PropertiesWriter.write(connect.properties(), out);
        out.putText(connect.clientId());
        if (connect.will() != null) writeWill(version, connect.will(), out);
        if (connect.username() != null) out.putText(connect.username());
        if (connect.password() != null) out.putBinary(connect.password());
    }

    static int remainingLength(ProtocolVersion version, Packet.ConnAck connAck) {
        return 2 + propertiesSize(version, connAck.properties());
    }

    static void write(ProtocolVersion version, Packet.ConnAck connAck, PacketBuffer out) {
        // MQTT 3.1 reserves the byte that 3.1.1 gave to Session Present
        out.putByte(connAck.sessionPresent() && version != ProtocolVersion.V3_1 ? 1 : 0);
        if (version.isV5()) {
            out.putByte(connAck.reason().value());
            PropertiesWriter.write(connAck.properties(), out);
        } else {
            out.putByte(connAck.reason().toV3ConnectReturnCode());
        }
    }

    private static int flags(Packet.Connect connect) {
        var flags = connect.cleanStart() ? CLEAN_START : 0;
        var will = connect.will();
        if (will != null) {
            flags |= WILL | will.qos().ordinal() << WILL_QOS_SHIFT;
            if (will.retain()) flags |= WILL_RETAIN;
        }
        if (connect.username() != null) flags |= USER_NAME;
        if (connect.password() != null) flags |= PASSWORD;
        return flags;
    }

    private static void writeWill(ProtocolVersion version, Will will, PacketBuffer out) {
        if (version.isV5()) PropertiesWriter.write(will.properties(), out);
        out.putBinary(will.topicName().utf8());
        out.putBinary(will.payload());
    }

    private static int propertiesSize(ProtocolVersion version, Properties properties) {
        return version.isV5() ? PropertiesWriter.size(properties) : 0;
    }
}

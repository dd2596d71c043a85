package dev.sluice.codec;

import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;

/** Owns how PUBACK, PUBREC, PUBREL and PUBCOMP are written (sections 3.4 to 3.7). Stateless. */
final class AckWriter {
    private static final int PACKET_ID_ONLY = 2;
    private static final int PACKET_ID_AND_REASON = 3;

    private AckWriter() {}

    static int remainingLength(ProtocolVersion version, ReasonCode reason, Properties properties) {
        if (isShort(version, reason, properties)) return PACKET_ID_ONLY;
        return properties.isEmpty() ? PACKET_ID_AND_REASON : PACKET_ID_AND_REASON + PropertiesWriter.size(properties);
    }

    static void write(
            ProtocolVersion version,
            int type,
            int packetId,
            ReasonCode reason,
            Properties properties,
            PacketBuffer out) {
        var firstByte = type << 4 | PacketType.fixedFlags(type);
        if (isShort(version, reason, properties)) {
            out.putShort(firstByte, packetId);
            return;
        }
        out.putByte(firstByte);
        out.putVariableByteInteger(remainingLength(version, reason, properties));
        out.putTwoBytes(packetId);
        out.putByte(reason.value());
        if (!properties.isEmpty()) PropertiesWriter.write(properties, out);
    }

    private static boolean isShort(ProtocolVersion version, ReasonCode reason, Properties properties) {
        return !version.isV5() || reason == ReasonCode.SUCCESS && properties.isEmpty();
    }
}

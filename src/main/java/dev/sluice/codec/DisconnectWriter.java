package dev.sluice.codec;

import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;

/** Owns how the content of DISCONNECT and AUTH is written (sections 3.14, 3.15). Stateless. */
final class DisconnectWriter {
    private DisconnectWriter() {}

    /** For MQTT 3, empty; a bare reason is enough for DISCONNECT, whereas AUTH has its Property Length. */
    static int disconnectLength(ProtocolVersion version, ReasonCode reason, Properties properties) {
        if (isEmpty(version, reason, properties)) return 0;
        return properties.isEmpty() ? 1 : 1 + PropertiesWriter.size(properties);
    }

    static void writeDisconnect(ProtocolVersion version, ReasonCode reason, Properties properties, PacketBuffer out) {
        if (isEmpty(version, reason, properties)) return;
        out.putByte(reason.value());
        if (!properties.isEmpty()) PropertiesWriter.write(properties, out);
    }

    static int authLength(ProtocolVersion version, ReasonCode reason, Properties properties) {
        if (!version.isV5()) throw new IllegalArgumentException("MQTT 3 has no AUTH");
        return isEmpty(version, reason, properties) ? 0 : 1 + PropertiesWriter.size(properties);
    }

    static void writeAuth(ProtocolVersion version, ReasonCode reason, Properties properties, PacketBuffer out) {
        if (isEmpty(version, reason, properties)) return;
        out.putByte(reason.value());
        PropertiesWriter.write(properties, out);
    }

    private static boolean isEmpty(ProtocolVersion version, ReasonCode reason, Properties properties) {
        return !version.isV5() || reason == ReasonCode.SUCCESS && properties.isEmpty();
    }
}

package dev.sluice.codec;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import java.nio.ByteBuffer;

/** Owns how PUBACK, PUBREC, PUBREL and PUBCOMP are read (sections 3.4 to 3.7). Stateless. */
final class AckReader {
    private AckReader() {}

    static Packet.PubAck readPubAck(ProtocolVersion version, ByteBuffer in, InputBounds bounds) {
        var packetId = Wire.packetId(in);
        if (isShort(version, in)) return new Packet.PubAck(packetId);
        return new Packet.PubAck(packetId, AllowedReasons.PUBLISH_ANSWER.read(in), properties(in, bounds));
    }

    static Packet.PubRec readPubRec(ProtocolVersion version, ByteBuffer in, InputBounds bounds) {
        var packetId = Wire.packetId(in);
        if (isShort(version, in)) return new Packet.PubRec(packetId);
        return new Packet.PubRec(packetId, AllowedReasons.PUBLISH_ANSWER.read(in), properties(in, bounds));
    }

    static Packet.PubRel readPubRel(ProtocolVersion version, ByteBuffer in, InputBounds bounds) {
        var packetId = Wire.packetId(in);
        if (isShort(version, in)) return new Packet.PubRel(packetId);
        return new Packet.PubRel(packetId, AllowedReasons.RELEASE.read(in), properties(in, bounds));
    }

    static Packet.PubComp readPubComp(ProtocolVersion version, ByteBuffer in, InputBounds bounds) {
        var packetId = Wire.packetId(in);
        if (isShort(version, in)) return new Packet.PubComp(packetId);
        return new Packet.PubComp(packetId, AllowedReasons.RELEASE.read(in), properties(in, bounds));
    }

    /** Without a reason code the packet means {@link ReasonCode#SUCCESS}: always in MQTT 3. */
    private static boolean isShort(ProtocolVersion version, ByteBuffer in) {
        return !version.isV5() || !in.hasRemaining();
    }

    /** A Remaining Length of 3 leaves the Property Length out (section 3.4.2.2.1). */
    private static Properties properties(ByteBuffer in, InputBounds bounds) {
        return in.hasRemaining() ? PropertiesReader.read(PropertyPlace.ANSWER, in, bounds) : Properties.NONE;
    }
}

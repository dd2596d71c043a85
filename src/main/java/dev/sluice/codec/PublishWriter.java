package dev.sluice.codec;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;

/** Owns how PUBLISH is written (section 3.3). Stateless. */
final class PublishWriter {
    private static final int RETAIN = 0b0001;
    private static final int DUP = 0b1000;

    private PublishWriter() {}

    static int flags(Packet.Publish publish) {
        var flags = publish.qos().ordinal() << 1;
        if (publish.dup()) flags |= DUP;
        return publish.retain() ? flags | RETAIN : flags;
    }

    static int remainingLength(ProtocolVersion version, Packet.Publish publish) {
        var length = 2 + publish.topicName().utf8().length;
        if (publish.qos() != QoS.AT_MOST_ONCE) length += 2;
        if (version.isV5()) length += PropertiesWriter.size(publish.properties());
        return Math.addExact(length, publish.payload().length);
    }

    static void write(ProtocolVersion version, Packet.Publish publish, PacketBuffer out) {
        out.putBinary(publish.topicName().utf8());
        if (publish.qos() != QoS.AT_MOST_ONCE) out.putTwoBytes(publish.packetId());
        if (version.isV5()) PropertiesWriter.write(publish.properties(), out);
        out.putBytes(publish.payload());
    }
}

package dev.sluice.support;

import dev.sluice.codec.InputBounds;
import dev.sluice.codec.PacketBuffer;
import dev.sluice.codec.PacketFramer;
import dev.sluice.codec.PacketReader;
import dev.sluice.codec.PacketWriter;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Owns the ways in which tests read and write whole packets. Stateless. */
public final class Readers {
    public static final int LARGEST = 268_435_460;

    private Readers() {}

    /** A server's reader that has read a CONNECT of the version. */
    public static PacketReader serverReader(ProtocolVersion version) {
        var reader = new PacketReader(InputBounds.NONE);
        reader.read(ByteBuffer.wrap(write(version, connect(version))));
        return reader;
    }

    public static Packet.Connect connect(ProtocolVersion version) {
        return new Packet.Connect(version, true, 60, "client", null, null, null, Properties.NONE);
    }

    public static byte[] write(ProtocolVersion version, Packet packet) {
        var out = new PacketBuffer();
        new PacketWriter(version).write(packet, out);
        return out.toByteArray();
    }

    /** Frames and reads bytes that are to be one packet. */
    public static Packet readOne(PacketReader reader, byte[] bytes) {
        var packets = readAll(reader, bytes);
        if (packets.size() != 1) throw new AssertionError(packets.size() + " packets");
        return packets.getFirst();
    }

    public static List<Packet> readAll(PacketReader reader, byte[] bytes) {
        var framer = new PacketFramer(LARGEST);
        var in = ByteBuffer.wrap(bytes);
        var packets = new ArrayList<Packet>();
        for (ByteBuffer packet; (packet = framer.next(in)) != null; ) packets.add(reader.read(packet));
        if (!framer.isEmpty()) throw new AssertionError("the last packet is not whole");
        return packets;
    }
}

package dev.sluice.codec;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.Readers;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Owns what the fuzzer tries: the first byte says who reads and in which pieces the rest arrives. A fault is a good
 * answer; any other exception is a finding, and so is a packet that changes by being written or split. Stateless.
 */
public final class CodecFuzz {
    private static final ProtocolVersion[] VERSIONS = ProtocolVersion.values();
    private static final int MAXIMUM = 1 << 16;

    private CodecFuzz() {}

    /** The entry point that Jazzer looks for. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length == 0) return;
        int choice = data[0] & 0xFF;
        var whole = read(choice, data, data.length);
        var split = read(choice, data, 1 + (choice >> 3));
        require(whole.size() == split.size(), "another split reads another number of packets");
        for (int i = 0; i < whole.size(); i++) {
            require(Arrays.equals(whole.get(i), split.get(i)), "another split reads another packet");
        }
    }

    /** The input that makes the fuzzer read the bytes as the given side of the given version would; null for a CONNECT. */
    static byte[] input(ProtocolVersion version, boolean fromClient, byte[] bytes) {
        int choice = version == null ? 0 : fromClient ? 1 + version.ordinal() : 4 + version.ordinal();
        return ByteBuffer.allocate(1 + bytes.length)
                .put((byte) choice)
                .put(bytes)
                .array();
    }

    private static PacketReader reader(int choice) {
        int kind = choice & 0b111;
        if (kind == 0 || kind == 7) return new PacketReader();
        return kind <= 3 ? Readers.serverReader(VERSIONS[kind - 1]) : new PacketReader(VERSIONS[kind - 4]);
    }

    /** The packets up to the first fault as they are written again. */
    private static List<byte[]> read(int choice, byte[] data, int piece) {
        var framer = new PacketFramer(MAXIMUM);
        var reader = reader(choice);
        var packets = new ArrayList<byte[]>();
        try {
            for (int start = 1; start < data.length; start += piece) {
                var in = ByteBuffer.wrap(data, start, Math.min(piece, data.length - start));
                for (ByteBuffer frame; (frame = framer.next(in)) != null; ) {
                    packets.add(written(choice, reader.version(), reader.read(frame)));
                }
            }
        } catch (MqttFault fault) {
            require(fault.reason().isError(), "a fault that is none");
        }
        return packets;
    }

    /** What is read is written, and read and written once more: it must come out the same. */
    private static byte[] written(int choice, ProtocolVersion known, Packet packet) {
        var version = packet instanceof Packet.Connect connect ? connect.version() : known;
        var bytes = Readers.write(version, packet);
        require(new PacketWriter(version).size(packet) == bytes.length, "size is wrong");
        try {
            var reader = packet instanceof Packet.Connect ? new PacketReader() : sameSide(choice, version);
            var again = reader.read(ByteBuffer.wrap(bytes));
            require(Arrays.equals(Readers.write(version, again), bytes), "the packet changed by being written");
        } catch (MqttFault fault) {
            throw new IllegalStateException("what was written is refused", fault);
        }
        return bytes;
    }

    private static PacketReader sameSide(int choice, ProtocolVersion version) {
        int kind = choice & 0b111;
        return kind >= 4 && kind < 7 ? new PacketReader(version) : Readers.serverReader(version);
    }

    private static void require(boolean holds, String finding) {
        if (!holds) throw new IllegalStateException(finding);
    }
}

package dev.sluice.codec;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.PacketText;
import dev.sluice.support.Readers;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Owns what the fuzzer tries: the first byte says who reads, in which pieces the rest arrives, and whether the rest is a
 * stream, one packet without its Remaining Length, or the choices from which correct packets are made. A fault is a good
 * answer, but not to correct packets; any other exception is a finding, and so is a packet that changes by being written or split. Stateless.
 */
public final class CodecFuzz {
    private static final ProtocolVersion[] VERSIONS = ProtocolVersion.values();
    private static final int MAXIMUM = 1 << 16;
    private static final int ONE_PACKET = 0x80;
    private static final int CORRECT = 7;

    private CodecFuzz() {}

    /** The entry point that Jazzer looks for. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length == 0) return;
        var choice = data[0] & 0xFF;
        if ((choice & 0b111) == CORRECT) readCorrect(choice, data);
        var stream = (choice & ONE_PACKET) == 0 ? Arrays.copyOfRange(data, 1, data.length) : frame(data);
        var whole = read(choice, stream, Math.max(1, stream.length));
        var split = read(choice, stream, 1 + (choice >> 3 & 0xF));
        require(whole.size() == split.size(), "another split reads another number of packets");
        for (int i = 0; i < whole.size(); i++)
            require(Arrays.equals(whole.get(i), split.get(i)), "another split reads another packet");
    }

    /** The input that has the bytes read by the given side of the given version; null before a CONNECT. */
    static byte[] input(ProtocolVersion version, boolean fromClient, byte[] bytes) {
        var choice = version == null ? 0 : fromClient ? 1 + version.ordinal() : 4 + version.ordinal();
        var isShort = bytes.length > 1 && bytes[1] == bytes.length - 2;
        if (!isShort)
            return ByteBuffer.allocate(1 + bytes.length)
                    .put((byte) choice)
                    .put(bytes)
                    .array();
        return ByteBuffer.allocate(bytes.length)
                .put((byte) (choice | ONE_PACKET))
                .put(bytes[0])
                .put(bytes, 2, bytes.length - 2)
                .array();
    }

    /** Packets of the version and side in bits 3 to 5. */
    private static void readCorrect(int choice, byte[] data) {
        var choices = new FuzzedChoices(ByteBuffer.wrap(data, 1, data.length - 1));
        var version = VERSIONS[(choice >> 3 & 0b11) % VERSIONS.length];
        var fromClient = (choice & 0b10_0000) == 0;
        var packets = new RandomPackets(choices, version, fromClient);
        var reader = fromClient ? Readers.serverReader(version) : new PacketReader(version);
        while (choices.hasRemaining()) {
            var packet = packets.next();
            try {
                var read = reader.read(ByteBuffer.wrap(Readers.write(version, packet)));
                require(PacketText.of((Record) read).equals(PacketText.of((Record) packet)), "read as another packet");
            } catch (MqttFault fault) {
                throw new IllegalStateException("a correct packet is refused: " + packet, fault);
            }
        }
    }

    private static byte[] frame(byte[] data) {
        var out = new PacketBuffer();
        out.putByte(data.length > 1 ? data[1] : 0);
        out.putVariableByteInteger(Math.max(0, data.length - 2));
        for (int i = 2; i < data.length; i++) out.putByte(data[i]);
        return out.toByteArray();
    }

    private static PacketReader reader(int choice) {
        var kind = choice & 0b111;
        if (kind == 0 || kind == CORRECT) return new PacketReader(InputBounds.NONE);
        return kind <= 3 ? Readers.serverReader(VERSIONS[kind - 1]) : new PacketReader(VERSIONS[kind - 4]);
    }

    /** The packets up to the first fault as they are written again. */
    private static List<byte[]> read(int choice, byte[] data, int piece) {
        var framer = new PacketFramer(MAXIMUM);
        var reader = reader(choice);
        var packets = new ArrayList<byte[]>();
        try {
            for (int start = 0; start < data.length; start += piece) {
                var in = ByteBuffer.wrap(data, start, Math.min(piece, data.length - start));
                for (ByteBuffer frame; (frame = framer.next(in)) != null; )
                    packets.add(written(choice, reader.version(), reader.read(frame)));
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
            var reader =
                    packet instanceof Packet.Connect ? new PacketReader(InputBounds.NONE) : sameSide(choice, version);
            var again = reader.read(ByteBuffer.wrap(bytes));
            require(Arrays.equals(Readers.write(version, again), bytes), "the packet changed by being written");
        } catch (MqttFault fault) {
            throw new IllegalStateException("what was written is refused", fault);
        }
        return bytes;
    }

    private static PacketReader sameSide(int choice, ProtocolVersion version) {
        var kind = choice & 0b111;
        return kind >= 4 && kind < CORRECT ? new PacketReader(version) : Readers.serverReader(version);
    }

    private static void require(boolean holds, String finding) {
        if (!holds) throw new IllegalStateException(finding);
    }
}

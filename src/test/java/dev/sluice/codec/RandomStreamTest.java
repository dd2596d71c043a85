package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.PacketAssert;
import dev.sluice.support.Readers;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Properties of the codec that hold for all packets; {@code -Dsluice.seed=} repeats a failed run. */
class RandomStreamTest {
    private static final RandomGeneratorFactory<RandomGenerator> GENERATOR =
            RandomGeneratorFactory.of("L64X128MixRandom");
    private static final int ROUNDS = 100;

    /** One side of one version, with a generator of its own so that each case can be repeated alone. */
    record Case(ProtocolVersion version, boolean fromClient, long seed) {
        RandomGenerator random() {
            return GENERATOR.create(seed);
        }

        RandomPackets packets(RandomGenerator random) {
            return new RandomPackets(random, version, fromClient);
        }

        PacketReader reader() {
            return fromClient ? Readers.serverReader(version) : new PacketReader(version);
        }
    }

    static Stream<Case> cases() {
        var seed = Long.getLong("sluice.seed", System.nanoTime());
        return Stream.of(ProtocolVersion.values())
                .flatMap(version -> Stream.of(new Case(version, true, seed), new Case(version, false, seed)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatIsWrittenIsReadAgain(Case given) {
        var packets = given.packets(given.random());
        var reader = given.reader();
        var writer = new PacketWriter(given.version());
        for (int i = 0; i < ROUNDS * packets.kinds(); i++) {
            var packet = packets.ofKind(i % packets.kinds());
            var bytes = Readers.write(given.version(), packet);
            assertThat(writer.size(packet)).as("size, %s, %s", given, packet).isEqualTo(bytes.length);
            PacketAssert.assertThat(Readers.readOne(reader, bytes))
                    .as(given.toString())
                    .isSameAs(packet);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everySplitOfAStreamReadsTheSame(Case given) {
        var random = given.random();
        for (int i = 0; i < ROUNDS; i++) {
            var sent = Stream.generate(given.packets(random)::next).limit(10).toList();
            var received = readInPieces(given, random, stream(given, sent));
            assertThat(received).as(given.toString()).hasSameSizeAs(sent);
            for (int k = 0; k < sent.size(); k++)
                PacketAssert.assertThat(received.get(k)).as(given.toString()).isSameAs(sent.get(k));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void damagedBytesAreAPacketOrAFault(Case given) {
        var random = given.random();
        var packets = given.packets(random);
        var faults = 0;
        for (int i = 0; i < ROUNDS * 20; i++) {
            var bytes = damage(Readers.write(given.version(), packets.next()), random);
            if (!isUnderstood(given, bytes)) faults++;
        }
        assertThat(faults).as(given.toString()).isPositive();
    }

    /** Whether the bytes are packets; what is understood must survive being written. */
    private static boolean isUnderstood(Case given, byte[] bytes) {
        var in = ByteBuffer.wrap(bytes);
        var framer = new PacketFramer(1 << 20);
        var reader = given.reader();
        try {
            for (ByteBuffer frame; (frame = framer.next(in)) != null; ) {
                var packet = reader.read(frame);
                if (packet instanceof Packet.Connect connect && connect.version() != given.version()) continue;
                var again = Readers.readOne(given.reader(), Readers.write(given.version(), packet));
                PacketAssert.assertThat(again).as(given.toString()).isSameAs(packet);
            }
            return true;
        } catch (MqttFault fault) {
            return false;
        } catch (RuntimeException e) {
            throw new AssertionError(given + " " + Arrays.toString(bytes), e);
        }
    }

    private static byte[] damage(byte[] bytes, RandomGenerator random) {
        var times = random.nextInt(1, 4);
        for (int i = 0; i < times; i++) {
            var at = random.nextInt(Math.min(bytes.length, 40));
            switch (random.nextInt(4)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt();
                case 2 -> bytes[at]++;
                default -> bytes = Arrays.copyOf(bytes, random.nextInt(1, bytes.length + 3));
            }
        }
        return bytes;
    }

    private static byte[] stream(Case given, List<Packet> packets) {
        var out = new PacketBuffer();
        var writer = new PacketWriter(given.version());
        for (var packet : packets) writer.write(packet, out);
        return out.toByteArray();
    }

    /** The buffer is reused for each piece, and overwritten before the next one arrives, as a socket's would be. */
    private static List<Packet> readInPieces(Case given, RandomGenerator random, byte[] stream) {
        var framer = new PacketFramer(stream.length);
        var reader = given.reader();
        var packets = new ArrayList<Packet>();
        var largest = random.nextBoolean() ? 5 : 1500;
        var piece = random.nextBoolean() ? ByteBuffer.allocate(largest) : ByteBuffer.allocateDirect(largest);
        for (int start = 0; start < stream.length; start += piece.limit()) {
            var length = random.nextInt(1, largest + 1);
            piece.clear()
                    .put(stream, start, Math.min(length, stream.length - start))
                    .flip();
            for (ByteBuffer packet; (packet = framer.next(piece)) != null; ) packets.add(reader.read(packet));
            for (int i = 0; i < piece.limit(); i++) piece.put(i, (byte) 0xFF);
        }
        assertThat(framer.isEmpty()).as(given.toString()).isTrue();
        return packets;
    }
}

package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.support.PacketAssert;
import dev.sluice.support.Readers;
import dev.sluice.support.Vectors;
import dev.sluice.support.Vectors.Vector;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Runs every vector of {@code vectors/*.txt} through framer, reader and writer. */
class VectorTest {
    @TestFactory
    Stream<DynamicTest> aValidVectorIsReadAsItSays() {
        return tests(Vectors.valid(), vector -> {
            for (var reader : readers(vector))
                PacketAssert.assertThat(Readers.readOne(reader, vector.bytes())).reads(vector.expected());
        });
    }

    @TestFactory
    Stream<DynamicTest> aValidVectorIsReadFromDirectMemory() {
        return tests(Vectors.valid(), vector -> {
            var direct = ByteBuffer.allocateDirect(vector.bytes().length)
                    .put(vector.bytes())
                    .flip();
            PacketAssert.assertThat(readers(vector).getFirst().read(direct)).reads(vector.expected());
        });
    }

    @TestFactory
    Stream<DynamicTest> aCanonicalVectorIsWrittenAsItWas() {
        return tests(Vectors.valid(), vector -> {
            var version = vector.version().orElseThrow();
            var packet = Readers.readOne(readers(vector).getFirst(), vector.bytes());
            var written = Readers.write(version, packet);
            assertThat(new PacketWriter(version).size(packet)).isEqualTo(written.length);
            if (vector.canonical()) assertThat(written).isEqualTo(vector.bytes());
            else assertThat(written).isNotEqualTo(vector.bytes());
        });
    }

    @TestFactory
    Stream<DynamicTest> aMalformedVectorIsRefusedWithItsReason() {
        return tests(Vectors.malformed(), vector -> {
            for (var reader : readers(vector)) {
                var fault = catchThrowableOfType(MqttFault.class, () -> Readers.readOne(reader, vector.bytes()));
                assertThat(fault).isNotNull();
                assertThat(fault.reason()).isEqualTo(vector.reason());
            }
        });
    }

    @Test
    void everySplitOfTheStreamFramesTheSame() {
        var stream = new ByteArrayOutputStream();
        for (var vector : Vectors.valid()) stream.writeBytes(vector.bytes());
        var expected = Vectors.valid().stream().map(Vector::bytes).toList();
        for (int piece : new int[] {1, 2, 3, 7, 64, 1000, stream.size()}) {
            assertThat(frame(stream.toByteArray(), piece))
                    .as("pieces of %d", piece)
                    .containsExactlyElementsOf(expected);
        }
    }

    @Test
    void everyNameIsUsedOnce() {
        assertThat(Vectors.all()).extracting(Vector::toString).doesNotHaveDuplicates();
    }

    private static List<byte[]> frame(byte[] stream, int piece) {
        var framer = new PacketFramer(Readers.LARGEST);
        var frames = new ArrayList<byte[]>();
        for (int start = 0; start < stream.length; start += piece) {
            var in = ByteBuffer.wrap(stream, start, Math.min(piece, stream.length - start));
            for (ByteBuffer packet; (packet = framer.next(in)) != null; ) {
                var bytes = new byte[packet.remaining()];
                packet.get(bytes);
                frames.add(bytes);
            }
        }
        return frames;
    }

    /** One reader for each side that may receive the vector. */
    private static List<PacketReader> readers(Vector vector) {
        if (vector.isFirst()) return List.of(new PacketReader(InputBounds.NONE));
        var version = vector.version().orElseThrow();
        var readers = new ArrayList<PacketReader>();
        if (vector.isFromClient()) readers.add(Readers.serverReader(version));
        if (vector.isFromServer()) readers.add(new PacketReader(version));
        return readers;
    }

    private interface Check {
        void on(Vector vector) throws Exception;
    }

    private static Stream<DynamicTest> tests(List<Vector> vectors, Check check) {
        return vectors.stream().map(vector -> DynamicTest.dynamicTest(vector.toString(), () -> check.on(vector)));
    }
}

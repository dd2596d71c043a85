package dev.sluice.uplink;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

/**
 * Finds out which of Kafka's compression codecs work in this process. Two of them are native libraries, which are unpacked into the
 * folder of temporary files when they are needed first, or are missing on a platform. Stateless.
 */
public final class Codecs {
    private static final byte[] SAMPLE = new byte[1000];

    private Codecs() {}

    /** A sentence for each codec whose records cannot be read here. */
    public static List<String> unreadable() {
        var sentences = new ArrayList<String>();
        for (var codec : CompressionType.values())
            failure(codec)
                    .ifPresent(why ->
                            sentences.add("records compressed with " + codec.name + " cannot be read here: " + why));
        return sentences;
    }

    /**
     * @param key that of the property
     * @param value a name as Kafka's producers take it for `compression.type`
     * @throws IllegalArgumentException with a sentence that names the key, when that codec does not work
     */
    static void require(String key, String value) {
        var codec = Arrays.stream(CompressionType.values())
                .filter(it -> it.name.equals(value))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        key + "=" + value + ": there are none, gzip, snappy, lz4 and zstd"));
        failure(codec).ifPresent(why -> {
            throw new IllegalArgumentException(key + "=" + value + " does not work here: " + why);
        });
    }

    /** Why a round trip fails; empty when it does not. */
    private static Optional<String> failure(CompressionType codec) {
        try {
            return Arrays.equals(SAMPLE, unpack(codec)) ? Optional.empty() : Optional.of("it loses data");
        } catch (Exception | Error failed) {
            // Whatever a library fails with when it cannot be loaded, each with an error of its own.
            return Optional.of(failed + ". Its library is unpacked into " + System.getProperty("java.io.tmpdir")
                    + " (java.io.tmpdir), where files must be writable and executable; gzip and lz4 need none");
        }
    }

    private static byte[] unpack(CompressionType codec) throws IOException {
        var compression = Compression.of(codec).build();
        var packed = new ByteBufferOutputStream(2 * SAMPLE.length);
        try (var out = compression.wrapForOutput(packed, RecordBatch.CURRENT_MAGIC_VALUE)) {
            out.write(SAMPLE);
        }
        var bytes = packed.buffer().flip();
        try (var in = compression.wrapForInput(bytes, RecordBatch.CURRENT_MAGIC_VALUE, BufferSupplier.NO_CACHING)) {
            return in.readNBytes(SAMPLE.length);
        }
    }
}

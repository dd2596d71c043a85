package dev.sluice.uplink.producer;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;

/**
 * Tries codecs at the start, by a round trip: one whose library cannot be loaded would fail at each record, and no message would be
 * acknowledged, no command read. Stateless.
 */
public final class Codecs {
    private static final String PROPERTY = "compression.type";

    private Codecs() {}

    /** @throws IllegalArgumentException with a sentence that names the property and what to do */
    static void requireUsable(Map<String, ?> properties) {
        var codec = properties.get(PROPERTY);
        if (codec == null) return;
        failure(codec.toString()).ifPresent(unusable -> {
            throw new IllegalArgumentException(
                    ("mp.messaging.outgoing.uplink.%s: \"%s\" cannot be used by this gateway: %s. Let it load the codec's library, which"
                                    + " needs a directory for temporary files that allows execution, or choose gzip or none")
                            .formatted(PROPERTY, codec, unusable),
                    unusable);
        });
    }

    /** A sentence for each codec whose records cannot be read here. */
    public static List<String> unreadable() {
        return Stream.of(CompressionType.values())
                .flatMap(codec -> failure(codec.name).stream()
                        .map(unusable ->
                                ("records that are compressed with %s cannot be read by this gateway: %s. The codec's"
                                                + " library needs a directory for temporary files that allows execution")
                                        .formatted(codec.name, unusable)))
                .toList();
    }

    private static Optional<Throwable> failure(String codec) {
        try {
            var compression = Compression.of(codec).build();
            var records = MemoryRecords.withRecords(compression, new SimpleRecord(new byte[1]));
            for (var record : records.records()) record.ensureValid();
            return Optional.empty();
        } catch (RuntimeException | LinkageError unusable) {
            return Optional.of(RootCause.of(unusable));
        }
    }
}

package dev.sluice.uplink.producer;

import java.util.Map;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;

/**
 * Tries the codec of the producer at the start: one whose library cannot be loaded would fail at each record, and no message would be
 * acknowledged. Stateless.
 */
final class ProducerCodec {
    private static final String PROPERTY = "compression.type";

    private ProducerCodec() {}

    /** @throws IllegalArgumentException with a sentence that names the property and what to do */
    static void requireUsable(Map<String, ?> properties) {
        var codec = properties.get(PROPERTY);
        if (codec == null) return;
        try {
            var compression = Compression.of(codec.toString()).build();
            var records = MemoryRecords.withRecords(compression, new SimpleRecord(new byte[1]));
            for (var record : records.records()) record.ensureValid();
        } catch (RuntimeException | LinkageError unusable) {
            throw new IllegalArgumentException(
                    ("mp.messaging.outgoing.uplink.%s: \"%s\" cannot be used by this gateway: %s. Let it load the codec's library, which"
                                    + " needs a directory for temporary files that allows execution, or choose gzip or none")
                            .formatted(PROPERTY, codec, RootCause.of(unusable)),
                    unusable);
        }
    }
}

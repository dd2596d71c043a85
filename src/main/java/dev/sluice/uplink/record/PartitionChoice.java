package dev.sluice.uplink.record;

import dev.sluice.uplink.route.Partition;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

/**
 * How the partition of a record is chosen once it is known how many there are. Immutable.
 *
 * @param text hashed as Kafka hashes a key; null for any partition
 */
public record PartitionChoice(byte[] text) {
    /** Records that are spread over partitions go to the same one for 4 ms. */
    private static final int SPREAD_SHIFT = 2;

    /** Returns null where there is no choice to make: the route asks for a number, or Kafka chooses by the key. */
    static PartitionChoice of(Partition partition) {
        return switch (partition) {
            case Partition.ByText(var text) -> new PartitionChoice(text.getBytes(StandardCharsets.UTF_8));
            case Partition.Spread _ -> new PartitionChoice(null);
            case Partition.ByKey _, Partition.Fixed _ -> null;
        };
    }

    /**
     * @param count partitions of the Kafka topic
     * @param receivedAt milliseconds since 1970
     * @param seed another one in each process, so that replicas do not write to the same partition at the same time
     */
    public int of(int count, long receivedAt, long seed) {
        if (text != null) return BuiltInPartitioner.partitionForKey(text, count);
        var moment = seed + (receivedAt >> SPREAD_SHIFT);
        // Mixed, so that a client that publishes with a steady beat does not meet the same partition each time.
        return (int) Long.remainderUnsigned(moment * 0x9E3779B97F4A7C15L >>> 20, count);
    }
}

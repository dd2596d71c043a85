package dev.sluice.uplink.route;

/**
 * What Kafka says of a topic. Immutable.
 *
 * @param partitions how many it has; 0 if there is no such topic, {@link #HIDDEN} if the gateway may not describe it
 * @param isCompacted whether it takes no record without a key; null if the gateway may not describe its configuration
 * @param timestamps which it takes; null if the gateway may not describe its configuration
 */
public record KafkaTopic(int partitions, Boolean isCompacted, TimestampBounds timestamps) {
    /** The number of partitions where Kafka does not tell it. */
    public static final int HIDDEN = -1;

    public static final KafkaTopic MISSING = new KafkaTopic(0, null);

    /** One whose bounds of timestamps nobody knows. */
    public KafkaTopic(int partitions, Boolean isCompacted) {
        this(partitions, isCompacted, null);
    }
}

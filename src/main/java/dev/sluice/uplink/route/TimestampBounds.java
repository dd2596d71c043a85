package dev.sluice.uplink.route;

/**
 * How far the timestamp of a record may be from Kafka's clock, so that its topic takes it. Immutable.
 *
 * @param before milliseconds that it may be old
 * @param after milliseconds that it may be ahead
 */
public record TimestampBounds(long before, long after) {
    /** Of a topic that takes them all. */
    public static final TimestampBounds NONE = new TimestampBounds(Long.MAX_VALUE, Long.MAX_VALUE);

    /** A record gets older on its way, for which it has so many milliseconds, and at most this part of what is allowed. */
    private static final long WAY = 5000;

    private static final int PART = 10;

    /**
     * Says in a sentence why Kafka would refuse a record that is sent now; null if it would not.
     *
     * @param timestamp milliseconds since 1970, as the next
     */
    public String breach(long timestamp, long now) {
        var age = now - timestamp;
        if (age > before - Math.min(before / PART, WAY))
            return "the timestamp of the record is " + age + " ms old, and the Kafka topic allows for " + before
                    + " (message.timestamp.before.max.ms)";
        if (-age > after)
            return "the timestamp of the record is " + -age + " ms ahead, and the Kafka topic allows for " + after
                    + " (message.timestamp.after.max.ms)";
        return null;
    }
}

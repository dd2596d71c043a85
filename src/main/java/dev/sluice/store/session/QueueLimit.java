package dev.sluice.store.session;

/** How much the stored queue of one session may hold by the limits of its client, besides the bounds of the configuration. Immutable. */
public record QueueLimit(long count, long bytes) {
    public static final QueueLimit NONE = new QueueLimit(Long.MAX_VALUE, Long.MAX_VALUE);

    /** As its column has it. */
    Long storedCount() {
        return stored(count);
    }

    Long storedBytes() {
        return stored(bytes);
    }

    private static Long stored(long limit) {
        return limit == Long.MAX_VALUE ? null : limit;
    }
}

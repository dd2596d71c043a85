package dev.sluice.store.delivery;

/**
 * How much may be retained. Immutable.
 *
 * @param count messages, 0 for any number
 * @param nameBytes of their topics' names, 0 for any number
 */
public record RetainedBounds(long count, long nameBytes) {
    public static final RetainedBounds NONE = new RetainedBounds(0, 0);
}

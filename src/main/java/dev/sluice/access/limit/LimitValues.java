package dev.sluice.access.limit;

import java.util.EnumMap;
import java.util.Map;

/** How much there is of each limit, for one holder; what is not named is not limited. Immutable. */
public final class LimitValues {
    public static final LimitValues NONE = new LimitValues(Map.of());
    /** Says that something is not limited. */
    public static final long UNLIMITED = Long.MAX_VALUE;

    private final EnumMap<Limit, Long> values = new EnumMap<>(Limit.class);

    /** @throws IllegalArgumentException for a rate of 0, which would hold back for ever, or a number below 0 */
    public LimitValues(Map<Limit, Long> values) {
        values.forEach((limit, value) -> {
            if (value < limit.least())
                throw new IllegalArgumentException(
                        limit + ": is " + value + ", and has to be at least " + limit.least());
            this.values.put(limit, value);
        });
    }

    public long of(Limit limit) {
        return values.getOrDefault(limit, UNLIMITED);
    }

    public boolean isEmpty() {
        return values.isEmpty();
    }

    /** These, and for what they do not name the others. */
    public LimitValues orElse(LimitValues others) {
        if (isEmpty()) return others;
        var both = new EnumMap<>(others.values);
        both.putAll(values);
        return new LimitValues(both);
    }

    /** Of each limit that either names, the smaller one. */
    public LimitValues tighter(LimitValues other) {
        var both = new EnumMap<>(values);
        other.values.forEach((limit, value) -> both.merge(limit, value, Math::min));
        return new LimitValues(both);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LimitValues it && values.equals(it.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}

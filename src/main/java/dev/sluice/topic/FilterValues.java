package dev.sluice.topic;

import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** The values of one filter that has several. Any thread reads; writers hold the index's lock. */
final class FilterValues<T> {
    /** Equal value to value, so that a value can be replaced by an equal one with other options. */
    private final ConcurrentHashMap<T, T> byThemselves = new ConcurrentHashMap<>(4);
    /** Changes after each change of the values. */
    private volatile int version;
    /** Null before the first reader. */
    private volatile Row row;

    /**
     * The values side by side, through which a reader gets much faster than through the map.
     *
     * @param version as of which none is missing
     */
    private record Row(int version, Object[] values) {}

    /** Adds a value, or replaces the one that equals it; true if there was none. */
    boolean put(T value) {
        var isNew = byThemselves.put(value, value) == null;
        version = version + 1;
        return isNew;
    }

    /** Removes the value that equals the given one; true if there was one. */
    boolean remove(T value) {
        var wasThere = byThemselves.remove(value) != null;
        version = version + 1;
        return wasThere;
    }

    int size() {
        return byThemselves.size();
    }

    T only() {
        return byThemselves.values().iterator().next();
    }

    @SuppressWarnings("unchecked")
    void tell(Consumer<? super T> tell) {
        var now = version; // before the values are read
        var known = row;
        if (known == null || known.version != now)
            row = known = new Row(now, byThemselves.values().toArray());
        for (var value : known.values) tell.accept((T) value);
    }
}

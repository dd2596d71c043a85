package dev.sluice.access.credential;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Owns how often each of a bounded number of addresses, names or pairs has failed lately; the number halves again and again, and whoever was
 * touched longest ago is forgotten first. Any thread may use it.
 */
final class FailureCounts {
    private static final double NOTHING = 0.05;

    private final Map<String, Count> counts = new LinkedHashMap<>(16, 0.75f, true);
    private final int size;
    private final double halfLife;

    private record Count(double number, long at) {}

    /** @param halfLife nanoseconds */
    FailureCounts(int size, long halfLife) {
        this.size = size;
        this.halfLife = halfLife;
    }

    /** @param now nanoseconds of {@link System#nanoTime} */
    synchronized double of(String who, long now) {
        var count = counts.get(who);
        if (count == null) return 0;
        var number = decayed(count, now);
        if (number >= NOTHING) return number;
        counts.remove(who);
        return 0;
    }

    synchronized void add(String who, long now) {
        var count = counts.get(who);
        counts.put(who, new Count(1 + (count == null ? 0 : decayed(count, now)), now));
        if (counts.size() > size) counts.remove(counts.keySet().iterator().next());
    }

    synchronized int size() {
        return counts.size();
    }

    private double decayed(Count count, long now) {
        return count.number * Math.pow(0.5, (now - count.at) / halfLife);
    }
}

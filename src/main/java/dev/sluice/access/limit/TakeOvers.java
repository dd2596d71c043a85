package dev.sluice.access.limit;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How often each client has lately been taken over by another connection, and how long the next one has to wait for it: the first few wait for
 * nothing, then the wait doubles up to a bound; each {@code forgetting} without one halves what is remembered. Its table is bounded. Any
 * thread may use it.
 */
public final class TakeOvers {
    private static final int MOST_DOUBLINGS = 20;

    private record Count(double takeOvers, long at) {}

    private final int free;
    private final long first;
    private final long longest;
    private final long forgetting;
    private final Map<String, Count> counts;

    /**
     * @param free take-overs without a wait
     * @param first wait of the next one, nanoseconds
     * @param longest nanoseconds
     * @param forgetting half of what is remembered is forgotten in this time, nanoseconds
     * @param most clients that are remembered; then the one that has not been taken over for longest is forgotten
     */
    public TakeOvers(int free, long first, long longest, long forgetting, int most) {
        this.free = free;
        this.first = first;
        this.longest = longest;
        this.forgetting = Math.max(1, forgetting);
        this.counts = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Count> eldest) {
                return size() > most;
            }
        };
    }

    /** Counts a take-over; returns the nanoseconds that it has to wait. */
    public synchronized long count(String client, long now) {
        if (longest == 0) return 0;
        var before = counts.get(client);
        var remembered = before == null
                ? 0
                : before.takeOvers * Math.pow(0.5, (double) Math.max(0, now - before.at) / forgetting);
        counts.put(client, new Count(remembered + 1, now));
        var tooMany = (int) Math.round(remembered + 1) - free;
        if (tooMany < 1) return 0;
        return Math.min(longest, first << Math.min(MOST_DOUBLINGS, tooMany - 1));
    }

    synchronized int size() {
        return counts.size();
    }
}

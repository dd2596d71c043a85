package dev.sluice.store.spool;

import java.time.Duration;
import java.util.Arrays;

/**
 * Knows a place in each lane of the spool up to which nothing waits any more, so that a look need not step over the rows that were drained.
 * Any thread.
 *
 * <p>PostgreSQL keeps deleted rows for as long as some transaction could see them: under the snapshot of a backup, a look over a million of them
 * took 4 s, again and again. (Without one it took 20 ms, and nothing once autovacuum had come, within half a minute.)
 *
 * <p>Rows may become visible later than others with higher places. So what was seen twice, with more time in between than a transaction has,
 * is passed over; and now and then a look begins at the front all the same.
 */
final class LaneFloors {
    /** Over the time that the journal has for a transaction: until PostgreSQL or the driver ends it. */
    private static final Duration SETTLED = Duration.ofSeconds(30);

    private static final Duration ANEW = Duration.ofMinutes(1);
    private static final int REST_SHARE = 100;

    private final Duration settled;
    private final Duration anew;
    private final Long[] floors = zeros();
    /** What a look has found at the front, that long ago; null before the first one. */
    private Long[] before;

    private long beforeAt;
    private long anewAt = System.nanoTime();

    LaneFloors() {
        this(SETTLED, ANEW);
    }

    /** @param anew how long a look from the front suffices, at least */
    LaneFloors(Duration settled, Duration anew) {
        this.settled = settled;
        this.anew = anew;
    }

    private static Long[] zeros() {
        var zeros = new Long[SpoolStore.STRIPES];
        Arrays.fill(zeros, 0L);
        return zeros;
    }

    /** Places after which the next look begins, by lane. */
    synchronized Long[] next() {
        return System.nanoTime() - anewAt >= 0 ? zeros() : floors.clone();
    }

    /**
     * A look has found rows.
     *
     * @param after where it began, by lane
     * @param empty places up to which there was none, by lane
     * @param begunAt nanoseconds of the JVM's clock
     */
    synchronized void seen(Long[] after, Long[] empty, long begunAt) {
        var now = System.nanoTime();
        for (int i = 0; i < floors.length; i++) floors[i] = Math.min(floors[i], empty[i]);
        if (Arrays.stream(after).allMatch(place -> place == 0))
            anewAt = now + Math.max(anew.toNanos(), REST_SHARE * (now - begunAt));
        if (before != null && begunAt - beforeAt <= settled.toNanos()) return;
        if (before != null) for (int i = 0; i < floors.length; i++) floors[i] = Math.min(before[i], empty[i]);
        before = empty;
        beforeAt = now;
    }
}

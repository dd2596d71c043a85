package dev.sluice.uplink.producer;

import java.time.Duration;

/** Knows for how long something has not moved, as seen by looks at it. Any thread notes a movement, one thread looks. */
final class Movement {
    private volatile boolean noted;
    /** The last look before which it moved; nanoseconds of the JVM's clock. */
    private volatile long stillSince = System.nanoTime();

    /** Writes only what changes, as it is called with each record. */
    void note() {
        if (!noted) noted = true;
    }

    void look(long now) {
        if (!noted) return;
        noted = false;
        stillSince = now;
    }

    boolean isStill(long now, Duration time) {
        return !noted && now - stillSince > time.toNanos();
    }
}

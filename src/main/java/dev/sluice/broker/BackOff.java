package dev.sluice.broker;

import java.time.Duration;

/**
 * The pause before the next attempt: twice as long after each attempt in vain, up to a bound, so that waiting for a server that is
 * away does not keep an event loop busy. Confined to one thread.
 */
final class BackOff {
    private static final Duration FIRST = Duration.ofMillis(5);
    private static final Duration LONGEST = Duration.ofMillis(160);

    private Duration next = FIRST;

    /** The pause before the next attempt. */
    Duration pause() {
        return next;
    }

    void tried(boolean successful) {
        if (successful) next = FIRST;
        else if (next.compareTo(LONGEST) < 0) next = next.multipliedBy(2);
    }
}

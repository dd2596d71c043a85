package dev.sluice.clock;

import java.time.Duration;

/**
 * Owns the pause before something is tried again: it doubles with each attempt that changes nothing, up to a bound, and an attempt that
 * succeeds resets it. Confined to one thread.
 */
public final class BackOff {
    private static final Duration FIRST = Duration.ofMillis(5);
    private static final Duration LONGEST = Duration.ofMillis(160);

    private final Duration first;
    private final Duration longest;
    private Duration next;

    /** From 5 ms to 160 ms: an event loop that waits for a server must not be busy with it. */
    public BackOff() {
        this(FIRST, LONGEST);
    }

    public BackOff(Duration first, Duration longest) {
        this.first = first;
        this.longest = longest;
        this.next = first;
    }

    /** The pause before the next attempt. */
    public Duration pause() {
        return next;
    }

    /** Reports how the latest attempt ended. */
    public void tried(boolean successful) {
        if (successful) next = first;
        else if (next.compareTo(longest) < 0) {
            var doubled = next.multipliedBy(2);
            next = doubled.compareTo(longest) < 0 ? doubled : longest;
        }
    }
}

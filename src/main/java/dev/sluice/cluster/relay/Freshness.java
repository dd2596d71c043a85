package dev.sluice.cluster.relay;

import dev.sluice.clock.ThrottledLog;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * Owns how old what this gateway has read from the board is: its heartbeats tell, as all that Kafka had in front of one has come when that
 * comes back. While it is too old, nobody is served: others count on it that what Kafka has had for a
 * {@code sluice.relay.patience} is known here, also after a freeze. The relay's thread notes, any thread may ask.
 */
final class Freshness {
    private static final ThrottledLog COMPLAINTS = new ThrottledLog(Logger.getLogger(Freshness.class));

    private final long bound;
    private final long patience;
    private final LongSupplier clock;
    private final RelayMeters meters;
    /** When the latest heartbeat was written that has come back; in nanoseconds of the clock, as all of these. */
    private volatile long writtenAt;
    /** When the first one asked who found that too old; guarded by this, as what follows. */
    private long staleSince;

    private boolean isStale;
    private boolean isGivenUp;

    /** @param clock nanoseconds, from any beginning */
    Freshness(Duration patience, LongSupplier clock, RelayMeters meters) {
        this.clock = clock;
        this.writtenAt = clock.getAsLong();
        this.patience = patience.toNanos();
        this.bound = this.patience * 9 / 10; // somebody is served a moment after this was asked
        this.meters = meters;
    }

    /** How often a heartbeat is due. */
    long interval() {
        return patience / 3;
    }

    /** A heartbeat has come back that was written at this moment. */
    synchronized void cameBack(long heartbeat) {
        writtenAt = heartbeat;
        if (isFresh(clock.getAsLong())) isStale = isGivenUp = false;
    }

    private boolean isFresh(long now) {
        return now - writtenAt < bound;
    }

    /** False while what is known here is too old; for the patience at most: with a relay that stands still others would, too. */
    boolean isSufficient() {
        var now = clock.getAsLong();
        return isFresh(now) || isExcused(now);
    }

    private synchronized boolean isExcused(long now) {
        if (isGivenUp || isFresh(now)) return true;
        if (!isStale) {
            isStale = true;
            staleSince = now;
            meters.stale();
        }
        if (now - staleSince < patience) return false;
        isGivenUp = true;
        meters.staleExceeded();
        COMPLAINTS.warn("what other gateways tell takes longer than sluice.relay.patience: this one serves without it");
        return true;
    }
}

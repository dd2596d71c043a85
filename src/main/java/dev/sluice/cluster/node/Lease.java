package dev.sluice.cluster.node;

import dev.sluice.config.NodeConfig;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.function.LongSupplier;

/**
 * How long this gateway may take it for granted that others count on it. Once that time is over, as after a freeze of the process, no socket
 * is read before PostgreSQL has been asked again: its clients may be elsewhere. {@link Membership} renews it; any thread may ask.
 */
@ApplicationScoped
public class Lease {
    private final long nanos;
    private final LongSupplier nanoTime;
    private volatile long until;

    @Inject
    public Lease(NodeConfig config) {
        this(config, System::nanoTime);
    }

    /** By another clock. */
    Lease(NodeConfig config, LongSupplier nanoTime) {
        this.nanos = config.lease().toNanos();
        this.nanoTime = nanoTime;
        this.until = nanoTime.getAsLong() + nanos;
    }

    /** The clock of all that decides about leases, in nanoseconds. */
    long now() {
        return nanoTime.getAsLong();
    }

    /** Whether sockets may be read. */
    public boolean lasts() {
        return lasts(now());
    }

    boolean lasts(long now) {
        return until - now > 0;
    }

    /** Nanoseconds, below 0 once it is over. */
    long left() {
        return until - now();
    }

    /** It lasts from that moment on, of {@link #now}. */
    void from(long moment) {
        until = moment + nanos;
    }

    /** Nobody counts on this gateway any more. */
    void end() {
        until = now();
    }
}

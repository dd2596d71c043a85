package dev.sluice.cluster.node;

import dev.sluice.config.NodeConfig;
import jakarta.enterprise.context.ApplicationScoped;

/**
 * How long this gateway may take it for granted that others count on it. Once that time is over, as after a freeze of the process, no socket
 * is read before PostgreSQL has been asked again: its clients may be elsewhere. {@link Membership} renews it; any thread may ask.
 */
@ApplicationScoped
public class Lease {
    private final long nanos;
    private volatile long until;

    public Lease(NodeConfig config) {
        this.nanos = config.lease().toNanos();
        this.until = System.nanoTime() + nanos;
    }

    /** Whether sockets may be read. */
    public boolean lasts() {
        return lasts(System.nanoTime());
    }

    boolean lasts(long now) {
        return until - now > 0;
    }

    /** Nanoseconds, below 0 once it is over. */
    long left() {
        return until - System.nanoTime();
    }

    /** It lasts from that moment on, of {@link System#nanoTime}. */
    void from(long moment) {
        until = moment + nanos;
    }

    /** Nobody counts on this gateway any more. */
    void end() {
        until = System.nanoTime();
    }
}

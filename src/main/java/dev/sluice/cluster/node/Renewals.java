package dev.sluice.cluster.node;

import java.time.Duration;
import java.util.function.LongSupplier;

/** Owns when this gateway has renewed its lease in PostgreSQL, in the lease's nanoseconds. One thread writes, any reads. */
final class Renewals {
    private final long lease;
    private final LongSupplier nanoTime;
    /** When the last one that has succeeded began, and the first of those since which each has succeeded in time. */
    private volatile long lastAt;

    private volatile long unbrokenSince;
    private volatile boolean isUnbroken;

    Renewals(Duration lease, LongSupplier nanoTime) {
        this.lease = lease.toNanos();
        this.nanoTime = nanoTime;
    }

    /** Another run has begun. */
    void begin(long moment) {
        isUnbroken = false;
        lastAt = moment;
    }

    void succeeded(long begun) {
        if (!isUnbroken || begun - lastAt > lease / 2) unbrokenSince = begun;
        isUnbroken = true;
        lastAt = begun;
    }

    void failed() {
        isUnbroken = false;
    }

    /** Whether the row in PostgreSQL has had no lease for a while: others that came took this gateway for silent. */
    boolean haveLapsed() {
        return nanoTime.getAsLong() - lastAt >= lease;
    }

    /** Whether they have been without a break for as long as a lease lasts, until now. */
    boolean areUnbroken() {
        return isUnbroken && lastAt - unbrokenSince >= lease && nanoTime.getAsLong() - lastAt < lease / 2;
    }
}

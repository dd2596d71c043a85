package dev.sluice.access.limit;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What one holder of limits has taken of them: a client, an identity, a group, an address or the gateway. Any thread may use it. */
public final class Share {
    private static final long COUNT_INTERVAL = 1_000_000_000;

    private final Scope scope;
    /** By {@link Limit#ordinal}; null where nothing is limited. */
    private final TokenBucket[] buckets = new TokenBucket[Limit.values().length];

    private final AtomicInteger connections = new AtomicInteger();
    /** Retained messages, as far as is known; nobody has counted them before the first time. */
    private final AtomicLong retained = new AtomicLong();

    /** Guarded by this, as the two below. */
    private boolean isCounting;

    private boolean wasCounted;
    private long countedAt;
    private volatile LimitValues values = LimitValues.NONE;
    /** Connections that hold it; guarded by {@link Shares}. */
    int users;

    Share(Scope scope) {
        this.scope = scope;
    }

    public Scope scope() {
        return scope;
    }

    public LimitValues values() {
        return values;
    }

    /** Has these limits from now on. */
    synchronized void configure(LimitValues values, long burst, long now) {
        if (this.values.equals(values)) return;
        for (var limit : Limit.values()) {
            var rate = values.of(limit);
            var bucket = buckets[limit.ordinal()];
            if (!limit.isRate()) continue;
            if (rate == LimitValues.UNLIMITED) buckets[limit.ordinal()] = null;
            else if (bucket == null) buckets[limit.ordinal()] = new TokenBucket(rate, burst, now);
            else bucket.setRate(rate);
        }
        this.values = values;
    }

    /** Null if it is not limited. */
    public synchronized TokenBucket bucket(Limit rate) {
        return buckets[rate.ordinal()];
    }

    /**
     * Counts one more connection, false if that would be one too many; a client's own take each other over.
     *
     * @param again whether the same connection is counted already, and will {@link #disconnected} once
     */
    boolean connected(boolean again) {
        var most = again || scope == Scope.CLIENT ? LimitValues.UNLIMITED : values.of(Limit.CONNECTIONS);
        while (true) {
            var now = connections.get();
            if (now >= most) return false;
            if (connections.compareAndSet(now, now + 1)) return true;
        }
    }

    void disconnected() {
        connections.decrementAndGet();
    }

    /** Counts one more retained message, false if that would be one too many. */
    boolean retains() {
        var most = values.of(Limit.RETAINED);
        while (true) {
            var now = retained.get();
            if (now >= most) return false;
            if (retained.compareAndSet(now, now + 1)) return true;
        }
    }

    /** Whether its retained messages are limited, and nobody counts them or has just done so. */
    synchronized boolean beginsCount(long now) {
        if (isCounting || values.of(Limit.RETAINED) == LimitValues.UNLIMITED) return false;
        if (wasCounted && now - countedAt < COUNT_INTERVAL) return false;
        isCounting = true;
        wasCounted = true;
        countedAt = now;
        return true;
    }

    synchronized void endsCount() {
        isCounting = false;
    }

    void retained(long count) {
        retained.set(count);
    }

    synchronized boolean isFull(long now) {
        for (var bucket : buckets) if (bucket != null && !bucket.isFull(now)) return false;
        return true;
    }
}

package dev.sluice.access.limit;

import java.util.concurrent.atomic.AtomicInteger;

/** What one holder of limits has taken of them: a client, an identity, a group, an address or the gateway. Any thread may use it. */
public final class Share {
    private final Scope scope;
    /** By {@link Limit#ordinal}; null where nothing is limited. */
    private final TokenBucket[] buckets = new TokenBucket[Limit.values().length];

    private final AtomicInteger connections = new AtomicInteger();
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

    /** Counts one more connection, false if that would be one too many; a client's own take each other over. */
    boolean connected() {
        var most = scope == Scope.CLIENT ? LimitValues.UNLIMITED : values.of(Limit.CONNECTIONS);
        while (true) {
            var now = connections.get();
            if (now >= most) return false;
            if (connections.compareAndSet(now, now + 1)) return true;
        }
    }

    void disconnected() {
        connections.decrementAndGet();
    }

    synchronized boolean isFull(long now) {
        for (var bucket : buckets) if (bucket != null && !bucket.isFull(now)) return false;
        return true;
    }
}

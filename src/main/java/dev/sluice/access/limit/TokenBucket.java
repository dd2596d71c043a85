package dev.sluice.access.limit;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A rate: so many a second, and a burst of what that makes in the burst's time, but at least two: else whoever waits would lose what comes
 * while its timer is late. Any thread may use it, without a lock. Times are the JVM's
 * nanoseconds.
 *
 * <p>It keeps one number: the time up to which what was taken is paid for. There is room while one more keeps that within a burst from now;
 * what is larger than one may go over it, and whoever comes next waits until it is paid. So something larger than the burst passes, too,
 * and over time exactly the rate does.
 */
public final class TokenBucket {
    private static final double NANOS_PER_SECOND = 1e9;

    private final long burst;
    private final AtomicLong paidUpTo;
    private volatile long rate;
    /** How far ahead it may be paid for before one more is taken. */
    private volatile long slack;

    /**
     * @param rate a second; at least 1
     * @param burst nanoseconds
     */
    public TokenBucket(long rate, long burst, long now) {
        this.burst = burst;
        setRate(rate);
        this.paidUpTo = new AtomicLong(now);
    }

    /** Has another rate from now on; what was taken stays taken. */
    void setRate(long rate) {
        this.rate = rate;
        slack = Math.max(burst - price(1), price(1));
    }

    /** Nanoseconds until there is room; 0 if there is. */
    public long untilRoom(long now) {
        return Math.max(0, paidUpTo.get() - now - slack);
    }

    /** Takes so many, whether there is room or not. */
    public void take(long amount, long now) {
        var price = price(amount);
        paidUpTo.accumulateAndGet(price, (paid, more) -> Math.max(paid - now, 0) + now + more);
    }

    /** Takes one if there is room. */
    public boolean tryTake(long now) {
        var price = price(1);
        while (true) {
            var paid = paidUpTo.get();
            if (paid - now - slack > 0) return false;
            if (paidUpTo.compareAndSet(paid, Math.max(paid - now, 0) + now + price)) return true;
        }
    }

    private long price(long amount) {
        return Math.round(amount * NANOS_PER_SECOND / rate);
    }

    /** Whether nothing taken is left to be paid for: a new one would be the same. */
    boolean isFull(long now) {
        return paidUpTo.get() - now <= 0;
    }
}

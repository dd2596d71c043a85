package dev.sluice.broker;

import java.time.Duration;
import java.util.Collection;

/**
 * Decides how many clients a gateway lets go since it has more of them than others. It begins above {@link #MOST} times the mean and ends at
 * the mean, so that clients do not go to and fro; and it becomes patient when those whom it lets go come back. Confined to one thread.
 */
final class Surplus {
    /** Above this many times the mean, a gateway has too many. */
    static final double MOST = 1.2;
    /** A smaller surplus is worth nobody's reconnect. */
    static final int LEAST = 10;
    /** A round that leaves more than this part of the surplus was in vain: load balancers bring the clients back. */
    private static final double IN_VAIN = 0.9;

    private static final int LONGEST_WAIT = 60;

    private final int rate;
    private final long after;
    private long wait;
    private long aboveSince;
    private boolean isAbove;
    /** Of the last round; 0 if there was none since the gateway had its share. */
    private int last;
    /** Clients that are still to go in this round. */
    private int left;

    /**
     * @param rate clients a turn
     * @param after for so long it has too many before some go
     */
    Surplus(int rate, Duration after) {
        this.rate = rate;
        this.after = after.toNanos();
        this.wait = this.after;
    }

    /**
     * A second has passed.
     *
     * @param now the JVM's nanoseconds
     * @param others clients of each other gateway that takes some
     * @return how many go now
     */
    int turn(long now, int own, Collection<Integer> others) {
        var mean = (own + others.stream().mapToLong(Integer::longValue).sum()) / (1.0 + others.size());
        var surplus = others.isEmpty() ? 0 : own - (int) Math.ceil(mean);
        left = Math.min(left, Math.max(0, surplus));
        if (left == 0 && begins(now, own > MOST * mean, surplus)) left = surplus;
        var some = Math.min(rate, left);
        left -= some;
        if (some > 0) aboveSince = now; // what has become of it shows later
        return some;
    }

    private boolean begins(long now, boolean isTooMuch, int surplus) {
        if (!isTooMuch || surplus < LEAST) {
            isAbove = false;
            last = 0;
            wait = after;
            return false;
        }
        if (!isAbove) aboveSince = now;
        isAbove = true;
        if (now - aboveSince < wait) return false;
        wait = last > 0 && surplus > IN_VAIN * last ? Math.min(2 * wait, LONGEST_WAIT * after) : after;
        last = surplus;
        return true;
    }
}

package dev.sluice.uplink.spool;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Decides where one client's records go while records of its earlier connections, to whatever gateway, may wait in the spool: behind them, and
 * to Kafka once they are gone. The client's event loop asks and {@link #enter enters}; one thread, which asks PostgreSQL, answers.
 *
 * <p>From the spool to Kafka, a gate passes a moment in which it takes nothing, as a {@link SpoolStripe} does.
 */
final class ClientGate {
    /** What waits behind a gateway that is cut off from Kafka may do so for hours. */
    private static final Duration LOOK_AGAIN = Duration.ofMillis(500);
    /** The client waits while its gate is closing; what does not settle in that time goes on spooling. */
    private static final Duration CLOSING = Duration.ofSeconds(1);

    private enum State {
        DIRECT,
        /** Takes nothing: nobody knows whether the client has something in the spool. */
        UNKNOWN,
        BEHIND,
        CLOSING
    }

    private volatile State state = State.DIRECT;
    /** Records that the journal has not committed yet. */
    private final AtomicInteger pending = new AtomicInteger();
    /** The JVM's nanoseconds; of the thread that answers. */
    private volatile long changedAt = System.nanoTime();

    SpoolStripe.State state() {
        return switch (state) {
            case DIRECT -> SpoolStripe.State.DIRECT;
            case BEHIND -> SpoolStripe.State.SPOOLING;
            case UNKNOWN, CLOSING -> SpoolStripe.State.CLOSING;
        };
    }

    /** From now on the client waits until PostgreSQL has been asked for its records. */
    void ask() {
        if (state == State.DIRECT) turn(State.UNKNOWN);
    }

    /** Returns what has to be counted down once the record is committed, if it may go to the spool now; else null. */
    AtomicInteger enter() {
        pending.incrementAndGet();
        if (state == State.BEHIND) return pending;
        pending.decrementAndGet();
        return null;
    }

    /** Whether PostgreSQL is to be asked now for what the client has in the spool. */
    boolean isToBeAsked(long now) {
        return switch (state) {
            case DIRECT -> false;
            case UNKNOWN -> pending.get() == 0;
            case BEHIND -> now - changedAt > LOOK_AGAIN.toNanos();
            case CLOSING -> pending.get() == 0 || now - changedAt > CLOSING.toNanos();
        };
    }

    /**
     * PostgreSQL has answered.
     *
     * @param rows whether the client has records in the spool
     * @param isStuck whether the first of them has been there for a while
     */
    void answer(boolean rows, boolean isStuck, long now) {
        switch (state) {
            case DIRECT -> {}
            case UNKNOWN -> turn(rows ? State.BEHIND : State.DIRECT);
            case BEHIND -> turn(rows && isStuck ? State.BEHIND : State.CLOSING);
            case CLOSING -> {
                if (!rows && pending.get() == 0) turn(State.DIRECT);
                else if (now - changedAt > CLOSING.toNanos()) turn(State.BEHIND);
            }
        }
    }

    private void turn(State next) {
        changedAt = System.nanoTime();
        state = next;
    }
}

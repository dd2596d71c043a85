package dev.sluice.uplink.spool;

import dev.sluice.store.spool.SpoolStore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Decides for the keys of one stripe where their records go: to Kafka, or to the spool behind those that are there already. A stripe is
 * one of {@link SpoolStore#LANES} parts of all keys, the column {@code lane} of the table {@code spool}. Any thread.
 *
 * <p>From the spool back to Kafka, a stripe passes a moment in which it takes nothing: under load, new rows would come for as long as there are
 * rows. What the stripe has taken is then committed, drained, and overtaken by nobody.
 */
public final class SpoolStripe {
    enum State {
        DIRECT,
        SPOOLING,
        CLOSING
    }

    private static final double NEARLY_SECONDS = 1;

    private final int number;
    /** Writes of this gateway that the journal has not committed yet. */
    private final AtomicInteger pending = new AtomicInteger();

    private volatile State state = State.DIRECT;
    private boolean outage;
    private boolean draining;

    /** Null before the first look. */
    private volatile SpoolStore.StripeState seen;

    SpoolStripe(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }

    State state() {
        return state;
    }

    public boolean isDirect() {
        return state == State.DIRECT;
    }

    /** Begins a step of the drain, during which no other gateway gets the stripe; false if another one drains it. */
    synchronized boolean beginDrain() {
        draining = seen != null && seen.ours();
        return draining;
    }

    synchronized void endDrain() {
        draining = false;
    }

    /** Leaves the draining to other gateways until they have been asked again; false while this one is at it. */
    public synchronized boolean letGo() {
        if (draining) return false;
        seen = seen == null ? null : seen.letGo();
        return true;
    }

    /** Whether another gateway drains it, and has come near its end. */
    boolean isNearlyDrained() {
        var now = seen;
        return now != null && now.freeAgeSeconds() < NEARLY_SECONDS;
    }

    /** As it is in PostgreSQL. */
    public void seen(SpoolStore.StripeState now) {
        seen = now;
    }

    /** True if a record may go to the spool now; then {@link #leave} has to follow. */
    boolean enter() {
        pending.incrementAndGet();
        if (state == State.SPOOLING) return true;
        pending.decrementAndGet();
        return false;
    }

    /** A record is committed, or did not go to the spool after all. */
    void leave() {
        pending.decrementAndGet();
    }

    /** From now on records go to the spool. */
    public synchronized void spool() {
        state = State.SPOOLING;
    }

    /** The same, and until the outage ends nothing changes that. */
    synchronized void beginOutage() {
        outage = true;
        state = State.SPOOLING;
    }

    synchronized void endOutage() {
        outage = false;
    }

    /** Takes no records for now; nothing if it is not spooling, if there is an outage, or if the stripe would not run empty. */
    synchronized void close() {
        var isHeld = seen != null && seen.heldElsewhere();
        if (state == State.SPOOLING && !outage && !isHeld) state = State.CLOSING;
    }

    /** Whether everything that it has taken is committed, and it takes no more. */
    boolean isSettled() {
        return state == State.CLOSING && pending.get() == 0;
    }

    /** Back to Kafka, unless an outage has begun since the stripe was closed. */
    synchronized boolean open() {
        if (state != State.CLOSING) return false;
        state = State.DIRECT;
        return true;
    }
}

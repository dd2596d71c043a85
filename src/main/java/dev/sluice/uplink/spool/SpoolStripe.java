package dev.sluice.uplink.spool;

import dev.sluice.store.spool.SpoolStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Decides for the keys of one stripe where their records go: to Kafka, or to the spool behind those that are there already. A stripe is
 * one of {@link SpoolStore#STRIPES} parts of all keys, the column {@code lane} of the table {@code spool}. Any thread.
 *
 * <p>From the spool back to Kafka, a stripe passes a moment in which it takes nothing: under load, new rows would come for as long as there are
 * rows. What the stripe has taken is then committed, drained, and overtaken by nobody. Kafka topics that take nothing for now are left out of
 * that: their records go on to the spool, and those of all others to Kafka.
 */
public final class SpoolStripe {
    enum State {
        DIRECT,
        SPOOLING,
        CLOSING
    }

    /**
     * What goes where. Immutable.
     *
     * @param all whether the records of every Kafka topic go to the spool
     * @param topics if not, the Kafka topics whose records do
     * @param staying while the stripe takes nothing, the Kafka topics that are not meant by that; else null
     */
    private record Gate(boolean all, Set<String> topics, Set<String> staying) {
        static final Gate DIRECT = new Gate(false, Set.of(), null);
        static final Gate SPOOLING = new Gate(true, Set.of(), null);

        State state(String kafkaTopic) {
            if (this == DIRECT || !all && !topics.contains(kafkaTopic)) return State.DIRECT;
            return staying == null || staying.contains(kafkaTopic) ? State.SPOOLING : State.CLOSING;
        }

        Gate with(String kafkaTopic) {
            return new Gate(
                    all, all ? topics : union(topics, kafkaTopic), staying == null ? null : union(staying, kafkaTopic));
        }

        private static Set<String> union(Set<String> some, String one) {
            return Stream.concat(some.stream(), Stream.of(one)).collect(Collectors.toUnmodifiableSet());
        }

        Gate closing(Set<String> staying) {
            return new Gate(all, topics, staying);
        }
    }

    private static final double NEARLY_SECONDS = 1;

    private final int number;
    private volatile Gate gate = Gate.DIRECT;
    /** Writes of this gateway that the journal has not committed yet, since the stripe was last closed. */
    private volatile AtomicInteger pending = new AtomicInteger();
    /** Those from before, without which it does not open. */
    private final List<AtomicInteger> settling = new ArrayList<>();

    private boolean outage;
    private boolean draining;
    /** Whether rows of others wait in it, so that it is drained although this gateway's records may go to Kafka at once. */
    private volatile boolean drainedForOthers;

    /** Null before the first look. */
    private volatile SpoolStore.StripeState seen;
    /** Until then no other gateway drains it if this one does; in nanoseconds of {@link System#nanoTime}, written before the state. */
    private volatile long oursUntil;

    SpoolStripe(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }

    State state(String kafkaTopic) {
        return gate.state(kafkaTopic);
    }

    /** Whether every record goes to Kafka at once. */
    public boolean isDirect() {
        return gate == Gate.DIRECT;
    }

    boolean isClosing() {
        return gate.staying() != null;
    }

    /** Whether only these Kafka topics' records go to the spool. */
    boolean isOpenExcept(Set<String> kafkaTopics) {
        var now = gate;
        return !now.all() && now.topics().equals(kafkaTopics);
    }

    /** The Kafka topics that are not meant while the stripe takes nothing; none if it is not closing. */
    Set<String> staying() {
        var now = gate.staying();
        return now == null ? Set.of() : now;
    }

    /** Begins a step of the drain, during which no other gateway gets the stripe; false if another one drains it. */
    synchronized boolean beginDrain() {
        draining = isOurs();
        return draining;
    }

    /** Whether no other gateway drains it: not after a freeze in which its lease has ended. */
    boolean isOurs() {
        var now = seen;
        return now != null && now.ours() && System.nanoTime() - oursUntil < 0;
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

    /** Whether another gateway drains it, and has come near its end, or to what a third one holds. */
    boolean isNearlyDrained() {
        var now = seen;
        return now != null && (now.freeAgeSeconds() < NEARLY_SECONDS || now.heldElsewhere());
    }

    /**
     * As it is in PostgreSQL.
     *
     * @param askedAt when that was asked, in nanoseconds of {@link System#nanoTime}
     */
    public void seen(SpoolStore.StripeState now, long askedAt) {
        oursUntil = askedAt + SpoolStore.LIFE.toNanos();
        seen = now;
        drainedForOthers = now.freeAgeSeconds() >= 0;
    }

    /** Whether there is something to drain: records of this gateway that go to the spool, or others' that wait there. */
    public boolean hasWork() {
        return !isDirect() || drainedForOthers;
    }

    /** Whether another living gateway holds the first row, so that the stripe does not run empty as long as that is cut off from Kafka. */
    boolean isHeldElsewhere() {
        var now = seen;
        return now != null && now.heldElsewhere();
    }

    /** Returns what has to be counted down once the record is committed, or did not go to the spool after all, if a record may go to the spool now; else null. */
    AtomicInteger enter(String kafkaTopic) {
        var entered = pending;
        entered.incrementAndGet();
        if (state(kafkaTopic) == State.SPOOLING) return entered;
        entered.decrementAndGet();
        return null;
    }

    /** From now on records go to the spool. */
    public synchronized void spool() {
        gate = Gate.SPOOLING;
    }

    /** From now on the records of one Kafka topic go to the spool. */
    synchronized void spool(String kafkaTopic) {
        gate = gate.with(kafkaTopic);
    }

    /** From now on all records do, and until the outage ends nothing changes that. */
    synchronized void beginOutage() {
        outage = true;
        gate = Gate.SPOOLING;
    }

    synchronized void endOutage() {
        outage = false;
    }

    /**
     * Takes no records for now, except those of some Kafka topics; nothing if none go to the spool, or if there is an outage.
     */
    synchronized void close(Set<String> staying) {
        if (isDirect() || isClosing() || outage) return;
        gate = gate.closing(staying);
        settling.removeIf(earlier -> earlier.get() == 0);
        settling.add(pending);
        pending = new AtomicInteger();
    }

    /** Goes on as before it was closed. */
    synchronized void reopen() {
        if (isClosing()) gate = gate.closing(null);
    }

    /** Whether everything that it has taken is committed, except for the Kafka topics that stay, and it takes no more. */
    synchronized boolean isSettled() {
        return isClosing() && settling.stream().allMatch(earlier -> earlier.get() == 0);
    }

    /** Back to Kafka, but for the Kafka topics that stay, unless an outage has begun since the stripe was closed. */
    synchronized boolean open() {
        if (!isClosing()) return false;
        var staying = gate.staying();
        gate = staying.isEmpty() ? Gate.DIRECT : new Gate(false, staying, null);
        return true;
    }
}

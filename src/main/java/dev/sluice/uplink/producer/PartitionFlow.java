package dev.sluice.uplink.producer;

import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;

/**
 * Knows whether the producer holds records of one partition, and whether Kafka goes on to acknowledge them. Any thread, but one thread looks:
 * the clock is read then, and not for each record.
 */
final class PartitionFlow {
    /** Over the time after which whoever waits offers a record again. */
    private static final Duration OFFERED_AGAIN = Duration.ofSeconds(2);

    // Two, as event loops write the one and Kafka's network thread the other, for each record.
    private final LongAdder begun = new LongAdder();
    private final LongAdder ended = new LongAdder();
    private final Movement movement = new Movement();
    /** At the last look. What has come since is too young to stand still. */
    private volatile boolean wasEmpty = true;

    private long endedBefore;
    /** At least one record had its outcome before that look; null for none yet. */
    private volatile Long endedAt;
    /** The shortage of buffer in which Kafka was last known to take its records; 0 for none. */
    private volatile int writableIn;

    private volatile boolean refused;
    private volatile long refusedAt;

    void begin() {
        begun.increment();
    }

    void end(boolean isAcknowledged) {
        if (isAcknowledged) movement.note();
        ended.increment();
    }

    /** Whether a record may be handed over in this shortage: for one that holds something, or is known to take it, there is buffer. */
    boolean mayTake(int shortage) {
        return writableIn == shortage || !isEmpty();
    }

    /** @param shortage 0 if Kafka cannot take its records */
    void writableIn(int shortage) {
        writableIn = shortage;
    }

    /** A record may not be handed over for now: it waits elsewhere, and is offered again. */
    void refuse() {
        refusedAt = System.nanoTime();
        refused = true;
    }

    /** Whether nothing waits for it, here or elsewhere. */
    boolean isIdle(long now) {
        return (!refused || now - refusedAt > OFFERED_AGAIN.toNanos()) && isEmpty();
    }

    boolean isEmpty() {
        var before = ended.sum(); // first: what begins meanwhile must not look as if it had ended
        return begun.sum() == before;
    }

    void look(long now) {
        var isEmpty = isIdle(now);
        if (isEmpty || wasEmpty) movement.note();
        wasEmpty = isEmpty;
        movement.look(now);
        var all = ended.sum();
        if (all != endedBefore) endedAt = now;
        endedBefore = all;
    }

    /** Whether a look within so long has seen that a record had its outcome. */
    boolean hasMoved(long now, Duration time) {
        var last = endedAt;
        return last != null && now - last <= time.toNanos();
    }

    /** Whether something is held, and no look for so long has seen Kafka acknowledge anything. */
    boolean isStill(long now, Duration time) {
        return !wasEmpty && !isIdle(now) && movement.isStill(now, time);
    }
}

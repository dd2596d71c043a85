package dev.sluice.uplink.producer;

import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;

/**
 * Knows whether the producer holds records of one partition, and whether Kafka goes on to acknowledge them. Any thread, but one thread looks:
 * the clock is read then, and not for each record.
 */
final class PartitionFlow {
    // Two, as event loops write the one and Kafka's network thread the other, for each record.
    private final LongAdder begun = new LongAdder();
    private final LongAdder ended = new LongAdder();
    private final Movement movement = new Movement();
    /** At the last look. What has come since is too young to stand still. */
    private volatile boolean wasEmpty = true;

    void begin() {
        begun.increment();
    }

    void end(boolean isAcknowledged) {
        if (isAcknowledged) movement.note();
        ended.increment();
    }

    boolean isEmpty() {
        var before = ended.sum(); // first: what begins meanwhile must not look as if it had ended
        return begun.sum() == before;
    }

    void look(long now) {
        var isEmpty = isEmpty();
        if (isEmpty || wasEmpty) movement.note();
        wasEmpty = isEmpty;
        movement.look(now);
    }

    /** Whether something is held, and no look for so long has seen Kafka acknowledge anything. */
    boolean isStill(long now, Duration time) {
        return !wasEmpty && !isEmpty() && movement.isStill(now, time);
    }
}

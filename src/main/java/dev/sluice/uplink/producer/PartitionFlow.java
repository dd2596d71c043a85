package dev.sluice.uplink.producer;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Knows how many records of one partition the producer holds, and whether Kafka goes on to acknowledge them. Any thread, but one thread looks:
 * the clock is read then, and not for each record.
 */
final class PartitionFlow {
    private final AtomicInteger held = new AtomicInteger();
    private final Movement movement = new Movement();

    void begin() {
        if (held.getAndIncrement() == 0) movement.note();
    }

    void end(boolean isAcknowledged) {
        if (isAcknowledged) movement.note();
        held.decrementAndGet();
    }

    boolean isEmpty() {
        return held.get() == 0;
    }

    void look(long now) {
        if (isEmpty()) movement.note();
        movement.look(now);
    }

    /** Whether something is held, and no look for so long has seen Kafka acknowledge anything. */
    boolean isStill(long now, Duration time) {
        return !isEmpty() && movement.isStill(now, time);
    }
}

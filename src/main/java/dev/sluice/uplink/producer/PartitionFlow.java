package dev.sluice.uplink.producer;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** Knows how many records of one partition the producer holds, and whether Kafka goes on to acknowledge them. Any thread. */
final class PartitionFlow {
    private final AtomicInteger held = new AtomicInteger();
    /** When Kafka last acknowledged one, or when the first of those that are held came; nanoseconds of the JVM's clock. */
    private volatile long movedAt;

    void begin(long now) {
        if (held.get() == 0) movedAt = now; // before it counts: who looks now must not see an old time
        if (held.getAndIncrement() == 0) movedAt = now;
    }

    void end(boolean isAcknowledged) {
        if (isAcknowledged) movedAt = System.nanoTime();
        held.decrementAndGet();
    }

    boolean isEmpty() {
        return held.get() == 0;
    }

    /** Whether something is held, and Kafka has acknowledged nothing for so long. */
    boolean isStill(long now, Duration time) {
        return !isEmpty() && now - movedAt > time.toNanos();
    }
}

package dev.sluice.uplink;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What waits for one Kafka topic, of all connections: a topic that takes nothing must not fill the room of all others. Any thread.
 */
final class Backlog {
    private final long most;
    private final AtomicLong bytes = new AtomicLong();

    /** @param most bytes above which no more is handed over */
    Backlog(long most) {
        this.most = most;
    }

    void add(int more) {
        bytes.addAndGet(more);
    }

    boolean isFull() {
        return bytes.get() >= most;
    }
}

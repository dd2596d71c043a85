package dev.sluice.uplink.record;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the bytes that wait for one Kafka topic, over all connections: a topic that takes nothing must not use up the room of the others.
 * Any thread.
 */
public final class Backlog {
    private final long most;
    private final AtomicLong bytes = new AtomicLong();

    /** @param most bytes above which no more is handed over */
    public Backlog(long most) {
        this.most = most;
    }

    public void add(int more) {
        bytes.addAndGet(more);
    }

    public boolean isFull() {
        return bytes.get() >= most;
    }
}

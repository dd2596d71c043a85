package dev.sluice.uplink.record;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What waits for one Kafka topic, of all connections: a topic that takes nothing must not fill the room of all others. Any thread.
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

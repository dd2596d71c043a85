package dev.sluice.session;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The bytes of messages that wait in memory, those of all clients taken together; a message counts once for each client. Any thread may use
 * it.
 */
public final class QueueMemory {
    private final long most;
    private final AtomicLong bytes = new AtomicLong();

    /** @param most bytes that may wait */
    public QueueMemory(long most) {
        this.most = most;
    }

    /** Takes so much, if there is room for it. */
    public boolean take(long size) {
        if (bytes.addAndGet(size) <= most) return true;
        bytes.addAndGet(-size);
        return false;
    }

    /** Counts what is in memory already; negative for what no longer is. */
    public void add(long size) {
        bytes.addAndGet(size);
    }

    boolean isFull() {
        return bytes.get() >= most;
    }

    /**
     * Returns whether half of it is taken. What PostgreSQL has, too, leaves the other half to what is lost without room.
     */
    public boolean isScarce() {
        return bytes.get() >= most / 2;
    }

    public void giveBack(long size) {
        bytes.addAndGet(-size);
    }

    public long bytes() {
        return bytes.get();
    }
}

package dev.sluice.uplink.record;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the bytes that wait for one Kafka topic, over all connections, and for each of its partitions: what takes nothing must not use
 * up the room of the others. Any thread.
 */
public final class Backlog {
    private static final Backlog[] UNKNOWN = {};

    private final long most;
    private final long mostOfPartition;
    private final AtomicLong bytes = new AtomicLong();
    /** By number; empty while nobody knows how many there are. */
    private volatile Backlog[] partitions = UNKNOWN;

    /**
     * @param most bytes above which no more is handed over
     * @param mostOfPartition the same for one partition
     */
    public Backlog(long most, long mostOfPartition) {
        this.most = most;
        this.mostOfPartition = mostOfPartition;
    }

    public void add(int more) {
        bytes.addAndGet(more);
    }

    long bytes() {
        return bytes.get();
    }

    boolean isFull() {
        return bytes.get() >= most;
    }

    /** The topic has so many partitions now, 0 if that is not known. What waits for one of them goes on being counted. */
    public synchronized void split(int count) {
        var known = partitions;
        if (count == known.length || count == 0) return;
        var split = Arrays.copyOf(known, count);
        for (int i = known.length; i < count; i++) split[i] = new Backlog(mostOfPartition, 0);
        partitions = split;
    }

    /** The partition that Kafka chooses for a key with this hash; null while nobody knows. */
    Backlog hashed(int hash) {
        var known = partitions;
        return known.length == 0 ? null : known[hash % known.length];
    }

    /** The partition with this number; null while nobody knows of it. */
    public Backlog numbered(int number) {
        var known = partitions;
        return number < known.length ? known[number] : null;
    }
}

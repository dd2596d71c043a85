package dev.sluice.uplink.record;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The bytes of all messages that wait for Kafka, and the rule by which more may be handed over. Any thread.
 *
 * <p>Up to its bound, whoever comes has room, as long as the Kafka topic and the partition are below theirs. Beyond, and up to twice the
 * bound, there is a small share for each partition: topics and partitions that take nothing may hold all the room below the bound, and
 * the others still go on. The share shrinks as the rest is used up, so that there is always some.
 *
 * <p>It counts what clients have sent, and not what that takes of the producer's buffer, where a partition has whole batches: the producer
 * itself looks after that, for all that it is handed.
 */
public final class Room {
    private static final int LARGEST_SHARE = 1 << 16;
    private static final int SHARES = 64;

    private final long most;
    private final AtomicLong bytes = new AtomicLong();

    /** @param most bytes up to which there is more than a share */
    public Room(long most) {
        this.most = most;
    }

    public void add(int more) {
        bytes.addAndGet(more);
    }

    public long bytes() {
        return bytes.get();
    }

    /** @param partition null if it is not known */
    public boolean has(Backlog topic, Backlog partition) {
        var all = bytes.get();
        if (all < most && !topic.isFull() && (partition == null || !partition.isFull())) return true;
        var waiting = partition == null ? topic.bytes() : partition.bytes();
        return waiting < Math.min(LARGEST_SHARE, (2 * most - all) / SHARES);
    }
}

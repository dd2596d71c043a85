package dev.sluice.downlink;

import java.util.LinkedHashSet;
import org.apache.kafka.common.TopicPartition;

/** Owns the progress in one partition: which of its records are not finished. Confined to the downlink's thread. */
final class Progress {
    static final long NOTHING = -1;

    private final TopicPartition partition;
    /** In the order of their offsets. */
    private final LinkedHashSet<DownlinkRecord> open = new LinkedHashSet<>();

    private long next;
    private long committing;

    /** @param next offset of the first record that comes; {@link #NOTHING} where that is not known yet */
    Progress(TopicPartition partition, long next) {
        this.partition = partition;
        this.next = next;
        this.committing = next;
    }

    TopicPartition partition() {
        return partition;
    }

    /** @param next offset behind all records that the command stands for */
    void begun(DownlinkRecord command, long next) {
        open.add(command);
        this.next = next;
    }

    /** Returns whether {@link #next} says something. */
    boolean isKnown() {
        return next != NOTHING;
    }

    /** Offset of the first record that was not taken. */
    long next() {
        return next;
    }

    /** False if it was done with before. */
    boolean ended(DownlinkRecord command) {
        return open.remove(command);
    }

    Iterable<DownlinkRecord> open() {
        return open;
    }

    /** The offset that would be committed now: all before it are done with. */
    long offset() {
        return open.isEmpty() ? next : open.getFirst().record().offset();
    }

    /** Returns whether there is something to commit. */
    boolean hasAdvanced() {
        return offset() != committing;
    }

    void committing() {
        committing = offset();
    }

    /** Nothing more is ended here. */
    void close() {
        open.clear();
    }

    void notCommitted() {
        committing = NOTHING;
    }
}

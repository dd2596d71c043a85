package dev.sluice.downlink;

import java.util.LinkedHashSet;
import org.apache.kafka.common.TopicPartition;

/** How far one partition has come: which of its records are not done with. Confined to the downlink's thread. */
final class Progress {
    private static final long NOTHING = -1;

    private final TopicPartition partition;
    /** In the order of their offsets. */
    private final LinkedHashSet<DownlinkRecord> open = new LinkedHashSet<>();

    private long next = NOTHING;
    private long committing = NOTHING;

    Progress(TopicPartition partition) {
        this.partition = partition;
    }

    TopicPartition partition() {
        return partition;
    }

    void begun(DownlinkRecord command) {
        open.add(command);
        next = command.record().offset() + 1;
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

    /** Whether there is something to commit. */
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

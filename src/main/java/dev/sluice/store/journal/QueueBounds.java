package dev.sluice.store.journal;

import dev.sluice.config.StoreConfig;
import dev.sluice.config.StoreConfig.QueuePolicy;

/**
 * When a queue takes no more, and when its oldest messages go: by the configuration, or by the limits of its client if they are less, which its
 * session's row has. Both are asked once a batch: a batch may exceed them. Immutable.
 *
 * @param count messages that a queue holds at most
 * @param bytes the same in bytes
 * @param dropsOldest whether newer messages push the oldest out
 * @param batchCount messages of one batch
 * @param batchBytes the same in bytes
 */
record QueueBounds(long count, long bytes, boolean dropsOldest, long batchCount, long batchBytes) {
    /** More than any queue has; still a number when an eighth is added. */
    private static final long MOST = Long.MAX_VALUE / 4;

    static QueueBounds of(StoreConfig config) {
        return new QueueBounds(
                Math.min(config.queueCount(), MOST),
                Math.min(config.queueBytes(), MOST),
                config.queuePolicy() == QueuePolicy.DROP_OLDEST,
                config.batchSize(),
                Math.min(config.batchBytes(), MOST));
    }

    /** SQL: how many messages the queue of the session {@code s} holds at most. */
    String most() {
        return "least(s.queue_count, " + count + ")";
    }

    /** The same in bytes. */
    String mostBytes() {
        return "least(s.queue_bytes, " + bytes + ")";
    }

    /**
     * SQL: whether a queue takes more. What may not be pushed out may fill it all the same, so even one has an end whose oldest messages go.
     *
     * @param queue the row that has {@code depth}, {@code depth_bytes}, {@code most} and {@code most_bytes}
     */
    String room(String queue) {
        var room = dropsOldest
                ? "%1$s.depth < %1$s.most + %1$s.most / 8 + %2$d AND %1$s.depth_bytes < %1$s.most_bytes + %1$s.most_bytes / 8 + %3$d"
                : "%1$s.depth < %1$s.most AND %1$s.depth_bytes < %1$s.most_bytes";
        return room.formatted(queue, batchCount, batchBytes);
    }

    /**
     * SQL: whether a queue with a batch's copies is to be cut back to what it holds at most; only a little above that, so that not every batch
     * does it.
     *
     * @param batch the row that has {@code copies} and {@code copies_bytes}
     */
    String excess(String queue, String batch) {
        if (!dropsOldest) return "false";
        return "%1$s.depth + %2$s.copies > %1$s.most + %1$s.most / 64 OR %1$s.depth_bytes + %2$s.copies_bytes > %1$s.most_bytes + %1$s.most_bytes / 64"
                .formatted(queue, batch);
    }

    /**
     * Whether a queue that is as deep takes a message of so many bytes, and pushes none out for it.
     *
     * @param most how many it holds at most
     */
    boolean hasRoom(long depth, long depthBytes, long most, long mostBytes, int more) {
        if (!dropsOldest) return depth < most && depthBytes < mostBytes;
        return depth + 1 <= most + most / 64 && depthBytes + more <= mostBytes + mostBytes / 64;
    }
}

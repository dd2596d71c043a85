package dev.sluice.store.journal;

import dev.sluice.config.StoreConfig;
import dev.sluice.config.StoreConfig.QueuePolicy;

/**
 * When a queue takes no more, and when its oldest messages go. Both are asked once a batch: a batch may exceed them. Immutable.
 *
 * @param fullCount a queue with as many messages takes no more
 * @param fullBytes the same in bytes
 * @param trimCount a queue with more messages is cut back to {@code keepCount}; a little above it, so that not every batch does that
 * @param trimBytes the same in bytes
 */
record QueueBounds(long fullCount, long fullBytes, long trimCount, long trimBytes, long keepCount, long keepBytes) {

    static QueueBounds of(StoreConfig config) {
        var count = config.queueCount();
        var bytes = config.queueBytes();
        if (config.queuePolicy() == QueuePolicy.DROP_NEWEST)
            return new QueueBounds(count, bytes, Long.MAX_VALUE, Long.MAX_VALUE, count, bytes);
        // What may not be pushed out may fill the queue all the same, so even this one has an end.
        return new QueueBounds(
                count + count / 8 + config.batchSize(),
                bytes + bytes / 8 + config.batchBytes(),
                count + count / 64,
                bytes + bytes / 64,
                count,
                bytes);
    }

    /** Whether a queue that is as deep takes a message of so many bytes, and pushes none out for it. */
    boolean hasRoom(long count, long bytes, int more) {
        return count < fullCount && bytes < fullBytes && count + 1 <= trimCount && bytes + more <= trimBytes;
    }
}

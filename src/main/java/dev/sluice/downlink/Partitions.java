package dev.sluice.downlink;

import dev.sluice.config.DownlinkConfig;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;

/** Owns the partitions that this gateway has, and how much of each may be in memory. Confined to the downlink's thread. */
final class Partitions {
    private final DownlinkConfig config;
    private final Map<TopicPartition, Progress> progress = new HashMap<>();
    /** The topics that partitions belonged to when they were taken away: an offset that was committed for one says nothing of a later one. */
    private final Map<TopicPartition, Uuid> left = new HashMap<>();

    Partitions(DownlinkConfig config) {
        this.config = config;
    }

    /** Null if the partition is another replica's. */
    Progress of(TopicPartition partition) {
        return progress.get(partition);
    }

    /** It goes on with what was committed. */
    void begin(Progress one) {
        one.belongsTo(left.remove(one.partition()));
        progress.put(one.partition(), one);
    }

    /** It begins in another topic of the same name, or in what Kafka has left of it. */
    void beginAnew(Progress one) {
        left.remove(one.partition());
        progress.put(one.partition(), one);
    }

    /** Null if it was another replica's already. */
    Progress remove(TopicPartition partition) {
        var removed = progress.remove(partition);
        if (removed != null && removed.topicId() != null) left.put(partition, removed.topicId());
        return removed;
    }

    /** As they are at any time. */
    Collection<Progress> all() {
        return progress.values();
    }

    /** The clock. */
    void age(long now) {
        progress.values().forEach(one -> one.age(now));
    }

    /** Returns whether as much was taken within the last second, and is not finished, as may be: then nothing more is taken of any partition. */
    boolean areFull() {
        long records = 0;
        long bytes = 0;
        for (var one : progress.values()) {
            records += one.freshRecords();
            bytes += one.freshBytes();
        }
        return records >= config.inFlight() || bytes >= config.bytesInFlight();
    }

    /** Bytes that may still wait, of all partitions together. */
    long room() {
        long bytes = config.bytesWaiting();
        for (var one : progress.values()) bytes -= one.waitingBytes();
        return bytes;
    }

    /**
     * Returns whether so much of a partition waits that this partition, and no other, is not read on: each may use as much as it leaves to
     * the others, and may have something in any case.
     */
    static boolean isUsedUp(Progress one, long room) {
        var bytes = one.waitingBytes() + one.freshBytes();
        return bytes > 0 && bytes >= room;
    }

    /** Records that were taken and are not finished. */
    long open() {
        long records = 0;
        for (var one : progress.values()) records += one.freshRecords() + one.waitingRecords();
        return records;
    }

    long waiting() {
        long records = 0;
        for (var one : progress.values()) records += one.waitingRecords();
        return records;
    }

    /** Returns the offsets to commit of all partitions, which then count as committed. */
    Map<TopicPartition, OffsetAndMetadata> toCommit() {
        return toCommit(progress.keySet());
    }

    /** The same of some. */
    Map<TopicPartition, OffsetAndMetadata> toCommit(Collection<TopicPartition> some) {
        var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
        for (var partition : some) {
            var one = progress.get(partition);
            if (one == null || !one.hasAdvanced()) continue;
            one.committing();
            offsets.put(partition, new OffsetAndMetadata(one.offset()));
        }
        return offsets;
    }

    void notCommitted() {
        progress.values().forEach(Progress::notCommitted);
    }
}

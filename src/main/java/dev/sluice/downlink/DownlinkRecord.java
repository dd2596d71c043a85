package dev.sluice.downlink;

import dev.sluice.broker.routing.SubscriberKey;
import dev.sluice.broker.routing.TrackedDelivery;
import dev.sluice.packet.Message;
import java.util.HashSet;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** One record from its reading to its end, and what is known of its delivery. Confined to the downlink's thread. */
final class DownlinkRecord {
    /** Bytes of the heap that a record takes besides its key, value and headers: the objects around it, and its place in a queue. */
    private static final int OVERHEAD = 1000;

    private static final int OVERHEAD_OF_HEADER = 100;

    /** The value of a time that is not known yet. */
    static final long NEVER = Long.MIN_VALUE;

    private final ConsumerRecord<byte[], byte[]> record;
    private final Progress progress;
    private final int bytes;
    /** The JVM's nanoseconds. */
    private final long readAt;
    /** Null of a bad record. */
    private Message message;
    /** The subscribers that need no further offer. */
    private final Set<SubscriberKey> reached = new HashSet<>(2);

    private int delivered;
    private int rejected;
    private int expired;
    private boolean stored;
    /** Until when clients may acknowledge; the JVM's nanoseconds. */
    private long deliverBy = NEVER;

    DownlinkRecord(ConsumerRecord<byte[], byte[]> record, Progress progress, long readAt) {
        this.record = record;
        this.progress = progress;
        this.bytes = bytes(record);
        this.readAt = readAt;
    }

    private static int bytes(ConsumerRecord<byte[], byte[]> record) {
        int bytes = OVERHEAD + length(record.key()) + length(record.value());
        for (var header : record.headers())
            bytes += OVERHEAD_OF_HEADER + header.key().length() + length(header.value());
        return bytes;
    }

    private static int length(byte[] bytes) {
        return bytes == null ? 0 : bytes.length;
    }

    ConsumerRecord<byte[], byte[]> record() {
        return record;
    }

    Progress progress() {
        return progress;
    }

    long readAt() {
        return readAt;
    }

    /** What it takes of the heap. */
    int bytes() {
        return bytes;
    }

    Message message() {
        return message;
    }

    void reads(Message message) {
        this.message = message;
    }

    Set<SubscriberKey> reached() {
        return reached;
    }

    void reached(TrackedDelivery.Outcome.Settled settled) {
        reached.addAll(settled.reached());
        delivered += settled.delivered();
        rejected += settled.rejected();
        expired += settled.expired();
        stored = message.retain();
    }

    /** True if it has still to become the retained message of its topic. */
    boolean isToBeStored() {
        return message.retain() && !stored;
    }

    /** Its outcome, now that nobody is owed it any more. */
    DownlinkOutcome ending() {
        if (rejected > 0) return new DownlinkOutcome.Undeliverable(DownlinkOutcome.Why.REJECTED);
        if (delivered > 0 || stored) return new DownlinkOutcome.Delivered();
        return expired > 0
                ? new DownlinkOutcome.Expired()
                : new DownlinkOutcome.Undeliverable(DownlinkOutcome.Why.TOO_LARGE);
    }

    boolean isStored() {
        return stored;
    }

    /** It has been offered to clients: its time runs, until the earliest of the moments given here. */
    void offered(long until) {
        if (deliverBy == NEVER || until - deliverBy < 0) deliverBy = until;
    }

    boolean isOverdue(long now) {
        return deliverBy != NEVER && now - deliverBy >= 0;
    }
}

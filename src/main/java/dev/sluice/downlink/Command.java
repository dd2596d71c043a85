package dev.sluice.downlink;

import dev.sluice.broker.Addressee;
import dev.sluice.packet.Message;
import java.util.HashSet;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** One record from its reading to its end, and what is known of its delivery. Confined to the downlink's thread. */
final class Command {
    /** What a record takes besides its key and value: headers, and the objects around it. */
    private static final int OVERHEAD = 300;

    /** The value of a time that is not known yet. */
    static final long NEVER = Long.MIN_VALUE;

    private final ConsumerRecord<byte[], byte[]> record;
    private final Progress progress;
    /** The JVM's nanoseconds. */
    private final long readAt;
    /** Null of a bad record. */
    private Message message;
    /** Who needs no further offer. */
    private final Set<Addressee> reached = new HashSet<>(2);

    private int delivered;
    private int expired;
    private boolean stored;
    /** Until when clients may acknowledge; the JVM's nanoseconds. */
    private long deliverBy = NEVER;

    Command(ConsumerRecord<byte[], byte[]> record, Progress progress, long readAt) {
        this.record = record;
        this.progress = progress;
        this.readAt = readAt;
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

    int bytes() {
        var key = record.key() == null ? 0 : record.key().length;
        var value = record.value() == null ? 0 : record.value().length;
        return key + value + OVERHEAD;
    }

    Message message() {
        return message;
    }

    void reads(Message message) {
        this.message = message;
    }

    Set<Addressee> reached() {
        return reached;
    }

    void reached(Set<Addressee> more, int delivered, int expired) {
        this.reached.addAll(more);
        this.delivered += delivered;
        this.expired += expired;
        this.stored = message.retain();
    }

    /** Whether it has still to become the retained message of its topic. */
    boolean isToBeStored() {
        return message.retain() && !stored;
    }

    /** Whether somebody has it: a client, or those who subscribe later. */
    boolean isDelivered() {
        return delivered > 0 || stored;
    }

    boolean isStored() {
        return stored;
    }

    boolean isExpired() {
        return expired > 0;
    }

    /** It has been offered to clients: from now on its time runs. */
    void offered(long until) {
        if (deliverBy == NEVER) deliverBy = until;
    }

    boolean isOverdue(long now) {
        return deliverBy != NEVER && now - deliverBy >= 0;
    }
}

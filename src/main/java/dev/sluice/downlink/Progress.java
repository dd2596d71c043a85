package dev.sluice.downlink;

import java.time.Duration;
import java.util.LinkedHashSet;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;

/** Owns the progress in one partition: which of its records are not finished, and which of those wait. Confined to the downlink's thread. */
final class Progress {
    static final long NOTHING = -1;

    /** What is not finished by then waits for somebody, or for its turn behind one that does. */
    private static final long FRESH = Duration.ofSeconds(1).toNanos();

    private final TopicPartition partition;
    /** When it began; the JVM's nanoseconds. */
    private final long begunAt = System.nanoTime();
    /** Both in the order of their offsets; those that wait are in front. */
    private final LinkedHashSet<DownlinkRecord> waiting = new LinkedHashSet<>();

    private final LinkedHashSet<DownlinkRecord> fresh = new LinkedHashSet<>();
    private long waitingBytes;
    private long freshBytes;

    private long next;
    private long committing;
    /** The topic's own, which no later one of its name has; null until it is known. */
    private Uuid topicId;
    /** Where a record came from that should have been long past; {@link #NOTHING} usually. */
    private long backAt = NOTHING;

    private long backSince;
    private boolean closed;

    /**
     * @param next offset of the first record that comes; {@link #NOTHING} where that is not known yet
     * @param committing the offset that Kafka knows of; {@link #NOTHING} if it is to be told in any case
     */
    Progress(TopicPartition partition, long next, long committing) {
        this.partition = partition;
        this.next = next;
        this.committing = committing;
    }

    TopicPartition partition() {
        return partition;
    }

    /** It was not {@link #isKnown known} where the first record comes from. */
    void begins(long next) {
        this.next = next;
        this.committing = next;
    }

    /** @param next offset behind all records that the command stands for */
    void begun(DownlinkRecord command, long next) {
        fresh.add(command);
        freshBytes += command.bytes();
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
        if (fresh.remove(command)) freshBytes -= command.bytes();
        else if (waiting.remove(command)) waitingBytes -= command.bytes();
        else return false;
        return true;
    }

    /** What is not fresh any more waits from now on. */
    void age(long now) {
        while (!fresh.isEmpty() && now - fresh.getFirst().readAt() >= FRESH) {
            var old = fresh.removeFirst();
            freshBytes -= old.bytes();
            waiting.add(old);
            waitingBytes += old.bytes();
        }
    }

    int freshRecords() {
        return fresh.size();
    }

    long freshBytes() {
        return freshBytes;
    }

    int waitingRecords() {
        return waiting.size();
    }

    long waitingBytes() {
        return waitingBytes;
    }

    /** The offset that would be committed now: all before it are done with. */
    long offset() {
        if (!waiting.isEmpty()) return waiting.getFirst().record().offset();
        return fresh.isEmpty() ? next : fresh.getFirst().record().offset();
    }

    /** Returns whether there is something to commit. */
    boolean hasAdvanced() {
        return isKnown() && !isBack() && offset() != committing;
    }

    void committing() {
        committing = offset();
    }

    /** Nothing more is ended here: another replica has the partition, or this one begins anew in it. */
    void close() {
        closed = true;
        fresh.clear();
        waiting.clear();
        freshBytes = 0;
        waitingBytes = 0;
    }

    boolean isClosed() {
        return closed;
    }

    void notCommitted() {
        committing = NOTHING;
    }

    /** @param topicId null where it is not known */
    void belongsTo(Uuid topicId) {
        this.topicId = topicId;
    }

    /** Null where it is not known. */
    Uuid topicId() {
        return topicId;
    }

    /**
     * Returns whether a look at Kafka shows another topic of the same name: this one was deleted, and what was committed says nothing.
     *
     * @param lookedAt when the look began; an earlier one than this progress says nothing
     */
    boolean isOfAnother(Uuid seen, long lookedAt) {
        if (lookedAt - begunAt <= 0) return false;
        if (topicId == null) topicId = seen;
        return !topicId.equals(seen);
    }

    /** A record has come that should have been long past: of another topic of the same name, or Kafka has lost some. */
    void wentBack(long offset) {
        if (isBack()) return;
        backAt = offset;
        backSince = System.nanoTime();
    }

    /** Whether nothing is taken or committed until a look at Kafka tells what has happened. */
    boolean isBack() {
        return backAt != NOTHING;
    }

    long backAt() {
        return backAt;
    }

    boolean isBackSinceBefore(long lookedAt) {
        return isBack() && lookedAt - backSince > 0;
    }
}

package dev.sluice.uplink.spool;

import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore.Place;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.record.DeadLetterRecord;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * One row of the spool on its way to Kafka, or the dead letter that takes its place, from the first attempt to its one answer. Used by the
 * stripe's thread; answered on Kafka's network thread.
 */
final class SpooledRecord implements Callback {
    private final SpoolRow row;
    /** Null if the row itself is sent. */
    private final DeadLetterRecord letter;
    /** The Kafka topic of the dead letter; null without one. */
    private final String deadLetterTopic;

    private final CountDownLatch missing;
    private final AtomicBoolean answered = new AtomicBoolean();
    private volatile boolean taken;
    private volatile String refusal;
    private volatile boolean tooLarge;

    /** @param missing counted down with the answer */
    SpooledRecord(SpoolRow row, CountDownLatch missing) {
        this(row, null, null, missing);
    }

    private SpooledRecord(SpoolRow row, DeadLetterRecord letter, String deadLetterTopic, CountDownLatch missing) {
        this.row = row;
        this.letter = letter;
        this.deadLetterTopic = deadLetterTopic;
        this.missing = missing;
    }

    /** Returns the dead letter of this record, which Kafka refuses. */
    SpooledRecord deadLetter(String deadLetterTopic) {
        var letter = DeadLetterRecord.ofSpooled(SpoolRecord.of(row), SpoolRecord.route(row), refusal);
        return new SpooledRecord(row, letter, deadLetterTopic, new CountDownLatch(1));
    }

    /** Returns this dead letter without its payload, for a Kafka that finds it too large. */
    SpooledRecord withoutPayload() {
        return new SpooledRecord(row, letter.withoutPayload(), deadLetterTopic, new CountDownLatch(1));
    }

    TopicPartitionRef to() {
        return letter == null
                ? new TopicPartitionRef(row.kafkaTopic(), row.partition())
                : new TopicPartitionRef(deadLetterTopic, null);
    }

    Place place() {
        return new Place(row.lane(), row.seq());
    }

    private ProducerRecord<byte[], byte[]> record() {
        return letter == null ? SpoolRecord.of(row) : letter.to(deadLetterTopic);
    }

    boolean isAnswered() {
        return answered.get();
    }

    /** Waits for the answer; false if it is still missing after that time. */
    boolean await(Duration time) throws InterruptedException {
        return missing.await(time.toNanos(), TimeUnit.NANOSECONDS);
    }

    boolean isTaken() {
        return taken;
    }

    /** Why Kafka will never take it; null if Kafka has it, or if the row is to be read again. */
    String refusal() {
        return refusal;
    }

    /** Whether Kafka has refused it for its size, and would not for that of its headers. */
    boolean isPayloadTooLarge() {
        return tooLarge && letter.value() != null;
    }

    /** Hands it to the producer; false if it has no room now. */
    boolean send(UplinkProducer producer) {
        if (isAnswered()) return true;
        return switch (producer.hand(record(), this)) {
            case Handover.Taken _ -> true;
            case Handover.NotNow _ -> false;
            case Handover.Refused(var why) -> {
                answer(false, why.why(), why.isTooLarge());
                yield true;
            }
        };
    }

    /** The producer has no room for it, or for an earlier one: its row is to be read again. */
    void skip() {
        answer(false, null, false);
    }

    /**
     * There is no place for it in Kafka.
     *
     * @param why a sentence
     */
    void giveUp(String why) {
        answer(false, why, false);
    }

    @Override
    public void onCompletion(RecordMetadata metadata, Exception exception) {
        var refused = Refusal.of(exception);
        // A client sends again what is refused for its time; a row of the spool only gets older.
        if (Refusal.isForTimestamp(exception)) answer(false, exception.getMessage(), false);
        else if (refused != null) answer(false, refused.why(), refused.isTooLarge());
        else answer(exception == null, null, false);
    }

    private void answer(boolean isTaken, String why, boolean isTooLarge) {
        if (!answered.compareAndSet(false, true)) return;
        taken = isTaken;
        refusal = why;
        tooLarge = isTooLarge;
        missing.countDown();
    }
}

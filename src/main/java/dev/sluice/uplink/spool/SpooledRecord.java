package dev.sluice.uplink.spool;

import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore.Place;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.record.DeadLetterRecord;
import dev.sluice.uplink.record.PartitionChoice;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * One row of the spool on its way to Kafka, or the dead letter that takes its place, from the first attempt to its one answer. Used by the
 * stripe's thread; answered on Kafka's network thread.
 */
final class SpooledRecord implements Callback {
    private final SpoolRow row;
    /** What takes it, or does not; see {@link HeldBack}. */
    private final TopicPartitionRef way;
    /** Null if the row itself is sent. */
    private final DeadLetterRecord letter;

    /** Null unless the partition was chosen for this attempt. */
    private final PartitionChoice choice;

    private final CountDownLatch missing;
    private boolean leased;
    private boolean left;
    private volatile boolean answered;
    private volatile boolean taken;
    private volatile String refusal;
    private volatile boolean tooLarge;
    /** Gets the answer once the drain does not wait for it any more; guarded by this. */
    private Runnable late;

    /** @param missing counted down with the answer */
    SpooledRecord(SpoolRow row, TopicPartitionRef way, CountDownLatch missing) {
        this(row, way, null, missing);
    }

    private SpooledRecord(SpoolRow row, TopicPartitionRef way, DeadLetterRecord letter, CountDownLatch missing) {
        this.row = row;
        this.way = way;
        this.letter = letter;
        this.choice = SpoolRecord.choice(row);
        this.missing = missing;
    }

    /** Returns the dead letter of this record, which Kafka refuses. */
    SpooledRecord deadLetter(String deadLetterTopic) {
        var letter = DeadLetterRecord.ofSpooled(SpoolRecord.of(row), SpoolRecord.route(row), refusal);
        return letter(new TopicPartitionRef(deadLetterTopic, null), letter);
    }

    /** Returns this dead letter without its payload, for a Kafka that finds it too large. */
    SpooledRecord withoutPayload() {
        return letter(way, letter.withoutPayload());
    }

    private SpooledRecord letter(TopicPartitionRef way, DeadLetterRecord letter) {
        var made = new SpooledRecord(row, way, letter, new CountDownLatch(1));
        made.leased = leased;
        return made;
    }

    TopicPartitionRef way() {
        return way;
    }

    /** What has to be there for it. */
    TopicPartitionRef to() {
        return letter == null ? new TopicPartitionRef(row.kafkaTopic(), row.partition()) : way;
    }

    SpoolRow row() {
        return row;
    }

    Place place() {
        return new Place(row.lane(), row.seq());
    }

    private ProducerRecord<byte[], byte[]> record() {
        if (letter != null) return letter.to(way.kafkaTopic());
        return SpoolRecord.of(row, choice == null ? row.partition() : way.partition());
    }

    boolean isAnswered() {
        return answered;
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
        var isOpen = letter == null && choice != null && way.partition() == null;
        if (isOpen) return false; // nobody knows yet how many partitions there are
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

    /** Whether the drain does not wait for it any more. */
    boolean isLeft() {
        return left;
    }

    /** From now on its row names this gateway, until it is deleted or given back. */
    void leased() {
        leased = true;
    }

    boolean isLeased() {
        return leased;
    }

    /**
     * The drain waits for it no longer.
     *
     * @param late is run with the answer, on Kafka's network thread
     * @return false if there is an answer already
     */
    synchronized boolean leaveTo(Runnable late) {
        if (answered) return false;
        this.late = late;
        left = true;
        return true;
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
        var told = settle(isTaken, why, isTooLarge);
        missing.countDown();
        if (told != null) told.run();
    }

    private synchronized Runnable settle(boolean isTaken, String why, boolean isTooLarge) {
        if (answered) return null;
        taken = isTaken;
        refusal = why;
        tooLarge = isTooLarge;
        answered = true;
        return late;
    }
}

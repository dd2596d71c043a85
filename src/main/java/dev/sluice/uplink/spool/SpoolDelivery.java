package dev.sluice.uplink.spool;

import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore.Place;
import dev.sluice.uplink.Uplink;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.record.DeadLetter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;

/** Some rows of a lane on their way to Kafka. Sent and looked at by the lane's thread, answered on Kafka's network thread. */
final class SpoolDelivery {
    private final List<Each> records;
    private final CountDownLatch missing;

    private SpoolDelivery(List<SpoolRow> rows) {
        missing = new CountDownLatch(rows.size());
        records = rows.stream().map(row -> new Each(row, null, missing)).toList();
    }

    static SpoolDelivery of(List<SpoolRow> rows) {
        return new SpoolDelivery(rows);
    }

    /** The dead letter of a record that Kafka refuses. */
    static Each letter(Each refused, String deadLetterTopic) {
        var letter = DeadLetter.ofSpooled(
                deadLetterTopic, refused.record(), SpoolRecord.route(refused.row), refused.refusal);
        return new Each(refused.row, letter, new CountDownLatch(1));
    }

    /** The same for a Kafka that finds it too large. */
    static Each withoutPayload(Each letter) {
        return new Each(letter.row, DeadLetter.withoutPayload(letter.letter), new CountDownLatch(1));
    }

    List<Each> records() {
        return records;
    }

    List<Each> unanswered() {
        return records.stream().filter(each -> !each.answered.get()).toList();
    }

    /** Whether everything is answered by then. */
    boolean await(Duration time) throws InterruptedException {
        return missing.await(time.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** One record. */
    static final class Each implements Callback {
        private final SpoolRow row;
        /** Null if the row itself is sent. */
        private final ProducerRecord<byte[], byte[]> letter;

        private final CountDownLatch missing;
        private final AtomicBoolean answered = new AtomicBoolean();
        private volatile boolean taken;
        private volatile String refusal;
        private volatile boolean tooLarge;
        private Thread sending;
        private boolean notTaken;

        private Each(SpoolRow row, ProducerRecord<byte[], byte[]> letter, CountDownLatch missing) {
            this.row = row;
            this.letter = letter;
            this.missing = missing;
        }

        String kafkaTopic() {
            return letter == null ? row.kafkaTopic() : letter.topic();
        }

        /** Null where the key chooses it. */
        Integer partition() {
            return letter == null ? row.partition() : null;
        }

        Place place() {
            return new Place(row.lane(), row.seq());
        }

        private ProducerRecord<byte[], byte[]> record() {
            return letter == null ? SpoolRecord.of(row) : letter;
        }

        boolean await(Duration time) throws InterruptedException {
            return missing.await(time.toNanos(), TimeUnit.NANOSECONDS);
        }

        boolean isTaken() {
            return taken;
        }

        /** Why Kafka does not take it for good; null if it does, or if it is to be read again. */
        String refusal() {
            return refusal;
        }

        /** Whether Kafka has refused it for a size that another without its payload would not have. */
        boolean isPayloadTooLarge() {
            return tooLarge && letter.value() != null;
        }

        /** False if the producer has no room for it now. */
        boolean send(Uplink uplink) {
            if (answered.get()) return true;
            notTaken = false;
            sending = Thread.currentThread();
            uplink.send(record(), this);
            sending = null;
            return !notTaken;
        }

        /** The producer has no room for it, or for one before it: it is to be read again. */
        void skip() {
            if (answered.compareAndSet(false, true)) missing.countDown();
        }

        /**
         * It has nowhere to go.
         *
         * @param why a sentence
         */
        void gone(String why) {
            if (!answered.compareAndSet(false, true)) return;
            refusal = why;
            missing.countDown();
        }

        @Override
        public void onCompletion(RecordMetadata metadata, Exception exception) {
            var isRefused = exception != null && isRefusal(exception);
            if (exception != null && !isRefused && Thread.currentThread() == sending) {
                notTaken = true;
                return;
            }
            if (!answered.compareAndSet(false, true)) return;
            taken = exception == null;
            tooLarge = exception instanceof RecordTooLargeException;
            if (isRefused) refusal = exception.getMessage();
            missing.countDown();
        }

        /** A client sends again what is refused for its time; what is in the spool only gets older. */
        private static boolean isRefusal(Exception exception) {
            return Refusal.of(exception) != null || exception instanceof InvalidTimestampException;
        }
    }
}

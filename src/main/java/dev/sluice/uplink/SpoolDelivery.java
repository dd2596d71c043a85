package dev.sluice.uplink;

import dev.sluice.store.SpoolRow;
import dev.sluice.store.SpoolStore.Place;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

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
        var letter = DeadLetter.ofSpooled(deadLetterTopic, refused.record(), refused.refusal);
        return new Each(refused.row, letter, new CountDownLatch(1));
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

        /** Its topic does not exist any more. */
        void gone() {
            if (!answered.compareAndSet(false, true)) return;
            refusal = "the Kafka topic " + kafkaTopic() + " does not exist";
            missing.countDown();
        }

        @Override
        public void onCompletion(RecordMetadata metadata, Exception exception) {
            var isRefused = exception != null && Refusal.of(exception) != null;
            if (exception != null && !isRefused && Thread.currentThread() == sending) {
                notTaken = true;
                return;
            }
            if (!answered.compareAndSet(false, true)) return;
            taken = exception == null;
            if (isRefused) refusal = exception.getMessage();
            missing.countDown();
        }
    }
}

package dev.sluice.uplink.producer;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

/**
 * Owns one Kafka producer and the records that it holds: each gets its one outcome, also from a producer whose thread has ended. Any
 * thread may send, one closes.
 */
final class LiveProducer {
    private static final Logger LOG = Logger.getLogger(LiveProducer.class);

    private final Producer<byte[], byte[]> kafka;
    private final Flows flows;
    private final Failures failures;
    private final ProducerBuffer buffer;
    private final HeldRecords<Sending> held = new HeldRecords<>();
    /** Each outcome that it gives, of whatever kind. */
    private final Movement answers = new Movement();

    private final AtomicBoolean stopped = new AtomicBoolean();
    private volatile boolean hasAcknowledged;

    /** Hears of each record that Kafka has not taken, before its client does; on the producer's thread. */
    @FunctionalInterface
    interface Failures {
        void failed(LiveProducer holder, String kafkaTopic, Exception failure);
    }

    LiveProducer(Producer<byte[], byte[]> kafka, Flows flows, Failures failures) {
        this.kafka = kafka;
        this.flows = flows;
        this.failures = failures;
        this.buffer = new ProducerBuffer(kafka, flows);
    }

    Producer<byte[], byte[]> kafka() {
        return kafka;
    }

    /** Whether Kafka has acknowledged anything that it sent. */
    boolean hasAcknowledged() {
        return hasAcknowledged;
    }

    /** Looks what it has done since the last time; on the thread that looks. */
    void look(long now) {
        answers.look(now);
        buffer.look();
    }

    /** Whether no look for so long has seen an outcome. */
    boolean isSilentFor(Duration time) {
        return answers.isStill(System.nanoTime(), time);
    }

    /** Whether it holds a record for a partition that the topic had before it had fewer, and has no more. */
    boolean holdsLost(TopicFlow topic) {
        var shrunk = topic.shrunkLook();
        return held.all().stream()
                .anyMatch(sending ->
                        sending.topic == topic && sending.look - shrunk < 0 && topic.mayBeLost(sending.flow));
    }

    boolean holdsOthersThan(String kafkaTopic) {
        return held.all().stream()
                .anyMatch(sending -> !sending.topic.kafkaTopic().equals(kafkaTopic));
    }

    /**
     * Hands over a record.
     *
     * @throws KafkaException when the producer cannot go on
     * @throws IllegalStateException when it is closed
     * @throws LinkageError when it lacks a library
     */
    Handover hand(ProducerRecord<byte[], byte[]> record, Callback later) {
        var topic = flows.topic(record.topic());
        var flow = topic.of(record.partition(), record.key());
        if (!mayTake(flow)) {
            buffer.lookAgain();
            if (!mayTake(flow)) {
                flows.refuse(topic, flow, flows.shortage());
                return Handover.NOT_NOW;
            }
        }
        var sending = new Sending(later, topic, flow);
        var number = sending.begin();
        try {
            kafka.send(record, sending);
        } catch (RuntimeException | Error failure) {
            if (!sending.end(false)) return Handover.TAKEN; // a close has given it its outcome
            sending.forget();
            throw failure;
        }
        var answer = sending.handedOver();
        if (number % ProducerBuffer.RECORDS_BETWEEN_LOOKS == 0) buffer.look();
        if (answer == Handover.TAKEN && !topic.isKnown()) learn(record.topic());
        return answer;
    }

    private boolean mayTake(PartitionFlow flow) {
        var shortage = flows.shortage();
        return shortage == 0 || flow.mayTake(shortage);
    }

    private void learn(String kafkaTopic) {
        try {
            partitions(kafkaTopic);
        } catch (KafkaException | IllegalStateException notNow) {
            LOG.debugf(notNow, "the partitions of %s are not known", kafkaTopic);
        }
    }

    /** How many partitions a topic has; throws as {@code Producer.partitionsFor} does. */
    int partitions(String kafkaTopic) {
        var count = kafka.partitionsFor(kafkaTopic).size();
        flows.topic(kafkaTopic).learn(count, flows.looks() + 1);
        return count;
    }

    /** Ends it at once. When this returns, every record that it held has its outcome. */
    void close() {
        stopped.set(true);
        forceClose();
        var left = new KafkaException("the Kafka producer was closed");
        for (var sending : held.all()) sending.onCompletion(null, left);
    }

    /** Has it send nothing more; on its own thread, where the records that it holds have their outcome later. May be called again. */
    void stopSending() {
        if (stopped.compareAndSet(false, true)) forceClose();
    }

    private void forceClose() {
        try {
            kafka.close(Duration.ZERO);
        } catch (RuntimeException | Error failure) { // of a part that it loaded: it is closed all the same
            LOG.error("the Kafka producer was closed with a failure", failure);
        }
    }

    private void noteAnswer(Exception exception) {
        answers.note();
        if (exception != null) {
            flows.noteFailure(exception);
            return;
        }
        flows.noteAcknowledgement();
        if (!hasAcknowledged) hasAcknowledged = true;
    }

    /** One call of {@code Producer.send}: keeps a failure from within it for the caller, and passes on one later answer. */
    private final class Sending extends HeldRecords.Held implements Callback {
        /** Null once it has ended. */
        private Callback later;

        private final TopicFlow topic;
        private final PartitionFlow flow;
        private final int look = flows.looks();
        /** Null once {@code send} has returned. */
        private Thread caller = Thread.currentThread();

        private Exception failure;

        Sending(Callback later, TopicFlow topic, PartitionFlow flow) {
            this.later = later;
            this.topic = topic;
            this.flow = flow;
        }

        int begin() {
            flow.begin();
            return held.add(this);
        }

        /** False if it has ended already. */
        boolean end(boolean isAcknowledged) {
            if (!held.remove(this)) return false;
            topic.end(flow, isAcknowledged);
            return true;
        }

        @Override
        public void onCompletion(RecordMetadata metadata, Exception exception) {
            if (exception != null && Thread.currentThread() == caller) {
                failure = exception;
                return;
            }
            if (!end(exception == null)) return;
            var told = later;
            later = null;
            noteAnswer(exception);
            if (exception != null) failures.failed(LiveProducer.this, topic.kafkaTopic(), exception);
            told.onCompletion(metadata, exception);
        }

        Handover handedOver() {
            caller = null;
            if (failure == null || !end(false)) return Handover.TAKEN;
            var answer = Handover.of(failure);
            forget();
            return answer;
        }

        /** It has ended without an outcome: what it names is not to be kept with it. */
        void forget() {
            later = null;
            caller = null;
            failure = null;
        }
    }
}

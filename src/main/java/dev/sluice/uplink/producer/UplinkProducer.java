package dev.sluice.uplink.producer;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.StartOrder;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import jakarta.annotation.PreDestroy;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.HashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Owns the producer of the channel `uplink`, and puts another in its place when it cannot go on: Kafka's client gives up for good
 * when it is not let in while it draws its producer id, or when it has been fenced. Any thread may send.
 */
@ApplicationScoped
public class UplinkProducer {
    private static final Logger LOG = Logger.getLogger(UplinkProducer.class);
    private static final String CHANNEL = "uplink";
    private static final Duration BETWEEN_REPLACEMENTS = Duration.ofSeconds(1);
    private static final Duration CLOSE_TIME = Duration.ofSeconds(1);

    private final KafkaClientService clients;
    private final Event<Producer<?, ?>> opened;
    private final KnownTopics topics;
    private final Counter replaced;
    private final AtomicBoolean replacing = new AtomicBoolean();
    private final Repeating replacement = Repeating.onVirtualThread("sluice-producer");
    private final ThrottledLog replacements = new ThrottledLog(LOG);
    private volatile Producer<byte[], byte[]> producer;

    /**
     * @param channel keeps the channel alive, whose configuration and metrics are used; records do not pass it, as its emitter would
     *     cost twice as much for each
     * @param opened tells the metrics of a producer
     */
    public UplinkProducer(
            KafkaClientService clients,
            @Channel(CHANNEL) Emitter<byte[]> channel,
            Event<Producer<?, ?>> opened,
            KnownTopics topics,
            MeterRegistry meters) {
        this.clients = clients;
        this.topics = topics;
        this.opened = opened;
        this.replaced = Counter.builder("sluice.uplink.producer.replaced")
                .description("Kafka producers that could not go on")
                .register(meters);
    }

    /**
     * @throws IllegalArgumentException when its codec cannot be used
     */
    void warn(@Observes @Priority(StartOrder.KAFKA_PROBE) StartupEvent event) {
        var configuration = clients.getProducer(CHANNEL).configuration();
        Codecs.requireUsable(configuration);
        ProducerWarnings.of(configuration).forEach(LOG::warn);
    }

    /**
     * Hands over a record. Never blocks, as the channel sets `max.block.ms` to 0.
     *
     * @param later gets the outcome of the record once, on Kafka's network thread; only after {@link Handover.Taken}
     */
    public Handover hand(ProducerRecord<byte[], byte[]> record, Callback later) {
        var current = current();
        if (replacing.get()) return Handover.NOT_NOW;
        var against = topics.against(record.topic(), record.key() != null);
        if (against != null) return against;
        var sending = new Sending(current, later);
        try {
            current.send(record, sending);
        } catch (KafkaException | IllegalStateException failure) {
            var answer = Handover.of(failure);
            // A failure that concerns the record comes by the callback, or is a refusal: this one is the producer's.
            if (answer == Handover.NOT_NOW) replace(current, failure);
            return answer;
        } catch (LinkageError missing) { // of a codec, at its first record: an event loop must not end by it
            replace(current, new KafkaException("the Kafka producer lacks a library", missing));
            return Handover.NOT_NOW;
        }
        return sending.end();
    }

    /** One call of {@code Producer.send}: keeps a failure from within it for the caller, and passes on every later answer. */
    private final class Sending implements Callback {
        private final Producer<byte[], byte[]> producer;
        private final Callback later;
        /** Null once {@code send} has returned. */
        private Thread caller = Thread.currentThread();

        private Exception failure;

        Sending(Producer<byte[], byte[]> producer, Callback later) {
            this.producer = producer;
            this.later = later;
        }

        @Override
        public void onCompletion(RecordMetadata metadata, Exception exception) {
            if (exception != null && Thread.currentThread() == caller) {
                failure = exception;
                return;
            }
            if (exception != null) failed(producer, metadata, exception);
            later.onCompletion(metadata, exception);
        }

        Handover end() {
            caller = null;
            return failure == null ? Handover.TAKEN : Handover.of(failure);
        }
    }

    /** Keeps the producer from forgetting a topic that is not in use, so that its next record need not wait. */
    public void keepMetadata(String kafkaTopic) {
        if (!knows(kafkaTopic)) LOG.debugf("metadata of %s is under way", kafkaTopic);
    }

    /** Whether the producer knows the partitions of a topic; if not, it asks Kafka for them. */
    public boolean knows(String kafkaTopic) {
        try {
            return partitions(kafkaTopic) > 0;
        } catch (KafkaException notYet) {
            return false;
        }
    }

    /**
     * How many partitions a topic has.
     *
     * @throws KafkaException when that is not known yet
     */
    public int partitions(String kafkaTopic) {
        try {
            return current().partitionsFor(kafkaTopic).size();
        } catch (IllegalStateException closed) {
            throw new KafkaException("the Kafka producer is being replaced", closed);
        }
    }

    /**
     * Says in a sentence which topic or partition Kafka lacks, as far as that is known; null if it lacks nothing.
     *
     * @param partition null for any
     */
    public String absence(String kafkaTopic, Integer partition) {
        // The producer is not asked: it would have Kafka create a topic where Kafka does that by itself.
        if (topics.isMissing(kafkaTopic)) return "the Kafka topic " + kafkaTopic + " does not exist";
        var count = topics.partitionsElseAsk(kafkaTopic);
        return partition == null || count <= 0 || partition < count
                ? null
                : "the Kafka topic " + kafkaTopic + " has no partition " + partition;
    }

    /** Kafka lets us in again: the producer may have given up for good without saying so. */
    public void renew(String why) {
        replace(current(), new AuthenticationException(why));
    }

    private Producer<byte[], byte[]> current() {
        var known = producer;
        if (known == null)
            producer = known = clients.<byte[], byte[]>getProducer(CHANNEL).unwrap();
        return known;
    }

    /**
     * Kafka has not taken a record. If it may take it later, nothing that the producer holds behind it may be taken before: so the producer
     * ends at once, on its own thread, on which this runs. What is under way to the same partition is refused there as out of sequence.
     */
    private void failed(Producer<byte[], byte[]> holder, RecordMetadata metadata, Exception exception) {
        topics.learn(metadata.topic(), exception);
        if (Refusal.of(exception) != null || holder != producer || !replacing.compareAndSet(false, true)) return;
        try {
            holder.close(Duration.ZERO);
        } catch (KafkaException badly) {
            LOG.debug("the Kafka producer was closed with a failure", badly);
        }
        replaceNow(holder, exception);
    }

    private void replace(Producer<byte[], byte[]> dead, Exception why) {
        if (dead == producer && replacing.compareAndSet(false, true)) replaceNow(dead, why);
    }

    private void replaceNow(Producer<byte[], byte[]> dead, Exception why) {
        var closed = new AtomicBoolean();
        replacement.start(() -> {
            if (closed.compareAndSet(false, true)) close(dead, why);
            else if (open()) return null;
            return BETWEEN_REPLACEMENTS;
        });
    }

    private void close(Producer<byte[], byte[]> dead, Exception why) {
        var cause = why.getCause() == null ? why : why.getCause();
        replacements.warn(
                "the Kafka producer cannot go on and is replaced; clients whose messages were under way send them again: "
                        + cause.getMessage());
        replaced.increment();
        // All records that it held fail here, before the next producer gets any: nothing can be overtaken.
        dead.close(Duration.ZERO);
    }

    private boolean open() {
        try {
            var config =
                    new HashMap<String, Object>(clients.getProducer(CHANNEL).configuration());
            producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        } catch (KafkaException notYet) {
            LOG.debugf(notYet, "no new Kafka producer yet");
            return false;
        }
        replacing.set(false);
        try {
            opened.fire(producer);
        } catch (RuntimeException failed) { // the producer is in use by now: another one could overtake its records
            LOG.error("the metrics of the new Kafka producer are not there", failed);
        }
        return true;
    }

    /** Closes the producer; every record that it has is answered before this returns. May be called again. */
    @PreDestroy
    public void stop() {
        replacement.stop();
        if (producer != null) producer.close(CLOSE_TIME);
    }
}

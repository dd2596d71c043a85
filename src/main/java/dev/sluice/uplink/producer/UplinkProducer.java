package dev.sluice.uplink.producer;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
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
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.DisconnectException;
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
    private static final Exception REPLACING = new DisconnectException("the Kafka producer is being replaced");

    private final KafkaClientService clients;
    private final Event<Producer<?, ?>> opened;
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
            MeterRegistry meters) {
        this.clients = clients;
        this.opened = opened;
        this.replaced = Counter.builder("sluice.uplink.producer.replaced")
                .description("Kafka producers that could not go on")
                .register(meters);
    }

    /** Late, when the channel is there. */
    void warn(@Observes @Priority(3000) StartupEvent event) {
        ProducerWarnings.of(clients.getProducer(CHANNEL).configuration()).forEach(LOG::warn);
    }

    /** Never blocks, as the channel sets `max.block.ms` to 0; the callback is told the outcome in every case. */
    public void send(ProducerRecord<byte[], byte[]> record, Callback callback) {
        var current = current();
        if (replacing.get()) {
            callback.onCompletion(null, REPLACING);
            return;
        }
        try {
            current.send(record, callback);
        } catch (KafkaException | IllegalStateException refused) {
            callback.onCompletion(null, refused);
            // What concerns the record comes by the callback, or is such a refusal.
            if (Refusal.of(refused) == null) replace(current, refused);
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

    private void replace(Producer<byte[], byte[]> dead, Exception why) {
        if (dead != producer || !replacing.compareAndSet(false, true)) return;
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
        opened.fire(producer);
        return true;
    }

    @PreDestroy
    void stop() {
        replacement.stop();
        if (producer != null) producer.close(CLOSE_TIME);
    }
}

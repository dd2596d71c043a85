package dev.sluice.uplink;

import dev.sluice.config.UplinkConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * The gateway's way to Kafka: the producer of the channel `uplink`, the routes, and the bound of bytes in flight over all
 * connections. Any thread may use it.
 */
@ApplicationScoped
public class Uplink {
    private static final Logger LOG = Logger.getLogger(Uplink.class);
    private static final String CHANNEL = "uplink";

    private volatile Routes routes;
    private final UplinkConfig config;
    private final KafkaClientService clients;
    private final Spool spool;
    private final long bytesInFlightMaximum;
    private final AtomicLong bytesInFlight = new AtomicLong();
    private final Timer latency;
    private volatile Producer<byte[], byte[]> producer;

    /** @param channel keeps the channel alive, whose configuration, health and metrics are used; records do not pass it */
    Uplink(
            UplinkConfig config,
            KafkaClientService clients,
            @Channel(CHANNEL) Emitter<byte[]> channel,
            Spool spool,
            MeterRegistry meters) {
        this.routes = Routes.of(config);
        this.config = config;
        this.clients = clients;
        this.spool = spool;
        this.bytesInFlightMaximum = config.bytesInFlight();
        Gauge.builder("sluice.uplink.bytes.in.flight", bytesInFlight, AtomicLong::get)
                .description("Bytes of messages that Kafka has not acknowledged yet")
                .baseUnit("bytes")
                .register(meters);
        latency = Timer.builder("sluice.uplink.latency")
                .description("From the receipt of a PUBLISH to the acknowledgement of its last record")
                .serviceLevelObjectives(
                        Duration.ofMillis(2),
                        Duration.ofMillis(5),
                        Duration.ofMillis(10),
                        Duration.ofMillis(25),
                        Duration.ofMillis(50),
                        Duration.ofMillis(100),
                        Duration.ofMillis(250),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(30))
                .register(meters);
    }

    /**
     * Opens a connection's way to Kafka.
     *
     * @param username null without one
     * @param loop runs the listener; the connection's event loop
     * @param listener told of each {@link Forwarding} under way once, when Kafka has answered it
     */
    public ClientUplink open(
            String clientId, String username, long epoch, Executor loop, Consumer<Forwarding> listener) {
        return new ClientUplink(this, clientId, username, epoch, loop, listener);
    }

    /** The routes in force. */
    public Routes routes() {
        return routes;
    }

    /** Puts routes in force: what is forwarded from now on follows them, what is under way goes on as it was. */
    public void use(Routes changed) {
        routes = changed;
    }

    Spool spool() {
        return spool;
    }

    boolean shedsQoS0() {
        return config.qos0WhenCongested() == UplinkConfig.QoS0WhenCongested.DROP;
    }

    long bytesInFlightPerConnection() {
        return config.bytesInFlightPerConnection();
    }

    boolean isCongested() {
        return bytesInFlight.get() >= bytesInFlightMaximum;
    }

    /** Bytes of messages that Kafka has not acknowledged yet. */
    public long bytesInFlight() {
        return bytesInFlight.get();
    }

    void started(Forwarding forwarding) {
        bytesInFlight.addAndGet(forwarding.bytes);
    }

    void settled(Forwarding forwarding) {
        bytesInFlight.addAndGet(-forwarding.bytes);
        latency.record(System.nanoTime() - forwarding.startedAt, TimeUnit.NANOSECONDS);
    }

    /** Never blocks, as the channel sets `max.block.ms` to 0; the callback is told the outcome in every case. */
    void send(ProducerRecord<byte[], byte[]> record, Callback callback) {
        try {
            producer().send(record, callback);
        } catch (KafkaException | IllegalStateException refused) {
            callback.onCompletion(null, refused);
        }
    }

    /** Keeps the producer from forgetting a topic that is not in use, so that its next record need not wait. */
    void keepMetadata(String kafkaTopic) {
        if (!knows(kafkaTopic)) LOG.debugf("metadata of %s is under way", kafkaTopic);
    }

    /** Whether the producer knows the partitions of a topic; if not, it asks Kafka for them. */
    boolean knows(String kafkaTopic) {
        try {
            return !producer().partitionsFor(kafkaTopic).isEmpty();
        } catch (KafkaException notYet) {
            return false;
        }
    }

    /** The channel's own producer: its emitter would cost twice as much for each record. */
    private Producer<byte[], byte[]> producer() {
        var known = producer;
        if (known == null)
            producer = known = clients.<byte[], byte[]>getProducer(CHANNEL).unwrap();
        return known;
    }
}

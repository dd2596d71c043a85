package dev.sluice.uplink;

import dev.sluice.config.UplinkConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.opentelemetry.api.OpenTelemetry;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
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
    /** Records that are spread over partitions go to the same one for 4 ms. */
    private static final int SPREAD_SHIFT = 2;

    private volatile Routes routes;
    private final UplinkConfig config;
    private final KafkaClientService clients;
    private final Tracing tracing;
    private final long bytesInFlightMaximum;
    private final AtomicLong bytesInFlight = new AtomicLong();
    private final Timer latency;
    private final Map<Failure.Kind, Counter> deadLetters = new EnumMap<>(Failure.Kind.class);
    /** Another one in each process, so that replicas do not write to the same partition at the same time. */
    private final long spreadSeed = System.nanoTime();

    private volatile Producer<byte[], byte[]> producer;

    /** @param channel keeps the channel alive, whose configuration, health and metrics are used; records do not pass it */
    Uplink(
            UplinkConfig config,
            KafkaClientService clients,
            @Channel(CHANNEL) Emitter<byte[]> channel,
            OpenTelemetry telemetry,
            @ConfigProperty(name = "quarkus.otel.sdk.disabled") boolean isTracingOff,
            MeterRegistry meters) {
        this.routes = Routes.of(config);
        this.config = config;
        this.clients = clients;
        // An SDK that is off would still name spans that nobody gets to see.
        this.tracing = isTracingOff ? Tracing.OFF : new Tracing(telemetry);
        this.bytesInFlightMaximum = config.bytesInFlight();
        Gauge.builder("sluice.uplink.bytes.in.flight", bytesInFlight, AtomicLong::get)
                .description("Bytes of messages that Kafka has not acknowledged yet")
                .baseUnit("bytes")
                .register(meters);
        for (var kind : Failure.Kind.values()) deadLetters.put(kind, deadLetters(kind, meters));
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

    private static Counter deadLetters(Failure.Kind kind, MeterRegistry meters) {
        return Counter.builder("sluice.uplink.dead.letters")
                .description("Dead letters that Kafka has acknowledged, by error")
                .tag("error", kind.code())
                .register(meters);
    }

    /**
     * Opens a connection's way to Kafka.
     *
     * @param username null without one
     * @param isToldReasons whether the client is answered with reason codes: one of version 5
     * @param loop runs the listener; the connection's event loop
     * @param listener told of each {@link Forwarding} under way once, when Kafka has answered it
     */
    public ClientUplink open(
            String clientId,
            String username,
            long epoch,
            boolean isToldReasons,
            Executor loop,
            Consumer<Forwarding> listener) {
        return new ClientUplink(this, clientId, username, epoch, isToldReasons, loop, listener);
    }

    /** The routes in force. */
    public Routes routes() {
        return routes;
    }

    /** Puts routes in force: what is forwarded from now on follows them, what is under way goes on as it was. */
    public void use(Routes changed) {
        routes = changed;
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

    /** Never blocks, as the channel sets `max.block.ms` to 0; the part is told the outcome in every case. */
    void send(ProducerRecord<byte[], byte[]> record, Part part) {
        try {
            producer().send(record, part);
        } catch (KafkaException | IllegalStateException refused) {
            part.onCompletion(null, refused);
        }
    }

    /**
     * The partition for a record that is sent now, null where Kafka chooses.
     *
     * @throws KafkaException when it is not known yet how many there are
     */
    Integer partition(Target target, long receivedAt) {
        if (target.leavesPartitionToKafka()) return null;
        var count = producer().partitionsFor(target.kafkaTopic()).size();
        return target.partition(count, spreadSeed + (receivedAt >> SPREAD_SHIFT));
    }

    Tracing tracing() {
        return tracing;
    }

    String deadLetterTopic() {
        return config.deadLetterTopic();
    }

    /** A dead letter is acknowledged. */
    void deadLettered(Failure failure) {
        deadLetters.get(failure.kind()).increment();
    }

    /** Keeps the producer from forgetting a topic that is not in use, so that its next record need not wait. */
    void keepMetadata(String kafkaTopic) {
        try {
            producer().partitionsFor(kafkaTopic);
        } catch (KafkaException notYet) {
            LOG.debugf("metadata of %s is under way: %s", kafkaTopic, notYet.getMessage());
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

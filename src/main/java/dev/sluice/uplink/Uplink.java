package dev.sluice.uplink;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.UplinkConfig;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.contract.CheckOverrun;
import dev.sluice.uplink.contract.Effort;
import dev.sluice.uplink.producer.KnownTopics;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.record.Backlog;
import dev.sluice.uplink.record.Backlogs;
import dev.sluice.uplink.record.Room;
import dev.sluice.uplink.record.Target;
import dev.sluice.uplink.record.Tracing;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.route.KafkaTopic;
import dev.sluice.uplink.route.Routes;
import dev.sluice.uplink.route.RoutesInForce;
import dev.sluice.uplink.spool.Spool;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.opentelemetry.api.OpenTelemetry;
import io.quarkus.arc.ClientProxy;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * The gateway's way to Kafka: its producer, the routes, and the bound of bytes in flight over all
 * connections. Any thread may use it.
 */
@Singleton
public class Uplink {
    private static final ThrottledLog MISSING_TOPICS = new ThrottledLog(Logger.getLogger(Uplink.class));
    /** Records that are spread over partitions go to the same one for 4 ms. */
    private static final int SPREAD_SHIFT = 2;

    private final RoutesInForce routes;
    private final UplinkConfig config;
    private final UplinkProducer producer;
    private final Tracing tracing;
    private final KnownTopics topics;
    private final Spool spool;
    private final CheckThreads checks;
    private final Room room;
    private final Backlogs backlogs = new Backlogs(this::newBacklog);

    private final Timer latency;
    private final Map<Failure.Kind, Counter> deadLetters = new EnumMap<>(Failure.Kind.class);
    /** Another one in each process, so that replicas do not write to the same partition at the same time. */
    private final long spreadSeed = System.nanoTime();

    Uplink(
            UplinkConfig config,
            RoutesInForce routes,
            UplinkProducer producer,
            KnownTopics topics,
            Spool spool,
            OpenTelemetry telemetry,
            @ConfigProperty(name = "quarkus.otel.sdk.disabled") boolean isTracingOff,
            MeterRegistry meters) {
        this.routes = routes;
        this.config = config;
        this.producer = producer;
        this.topics = topics;
        this.spool = spool;
        this.checks = new CheckThreads(config, meters);
        // An SDK that is off would still name spans that nobody gets to see.
        this.tracing = isTracingOff ? Tracing.OFF : new Tracing(telemetry);
        this.room = new Room(config.bytesInFlight());
        Gauge.builder("sluice.uplink.bytes.in.flight", room, Room::bytes)
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
     * @param isV5 whether the client is answered with reason codes
     * @param loop runs the listener; the connection's event loop
     * @param listener gets each {@link Forwarding} under way once, when Kafka has answered it or has failed for one of its records
     */
    public ClientUplink open(
            String clientId, String username, long epoch, boolean isV5, Executor loop, Consumer<Forwarding> listener) {
        return open(clientId, username, epoch, isV5, loop, listener, () -> true);
    }

    /** @param mayGo whether its records may go to Kafka now; asked again at each {@link ClientUplink#retry}, until it says so once */
    public ClientUplink open(
            String clientId,
            String username,
            long epoch,
            boolean isV5,
            Executor loop,
            Consumer<Forwarding> listener,
            BooleanSupplier mayGo) {
        return new ClientUplink(this, clientId, username, epoch, isV5, loop, listener, mayGo);
    }

    /** What the routes would make of a message that this client published now. Blocks while its payload is checked. */
    public Prospect prospect(TopicName topicName, String clientId, String username, byte[] payload) {
        var inForce = routes();
        try {
            return Prospect.of(inForce, topicName, clientId, username, payload, Effort.BRIEF);
        } catch (CheckOverrun _) {
            return CompletableFuture.supplyAsync(
                            () -> Prospect.of(inForce, topicName, clientId, username, payload, Effort.FULL),
                            checks::run)
                    .join();
        }
    }

    Routes routes() {
        return routes.routes();
    }

    /** The object itself: its proxy, which lets the channel come first, would cost each record as much as a map. */
    UplinkProducer producer() {
        return ClientProxy.unwrap(producer);
    }

    KnownTopics topics() {
        return topics;
    }

    Spool spool() {
        return spool;
    }

    CheckThreads checks() {
        return checks;
    }

    boolean shedsQoS0() {
        return config.qos0WhenCongested() == UplinkConfig.QoS0WhenCongested.DROP;
    }

    long bytesInFlightPerConnection() {
        return config.bytesInFlightPerConnection();
    }

    /** For what waits for Kafka. */
    Room room() {
        return room;
    }

    /** Returns what waits for a Kafka topic. */
    Backlog backlog(String kafkaTopic) {
        return backlogs.of(kafkaTopic);
    }

    private Backlog newBacklog(String kafkaTopic) {
        var backlog = new Backlog(config.bytesInFlightPerKafkaTopic(), config.bytesInFlightPerPartition());
        backlog.split(Math.max(0, topics.partitions(kafkaTopic)));
        return backlog;
    }

    /** Kafka has been asked about topics: what waits for them is counted by partition. */
    void splitBacklogs() {
        backlogs.forEach((kafkaTopic, backlog) -> backlog.split(Math.max(0, topics.partitions(kafkaTopic))));
    }

    void started(Forwarding forwarding) {
        room.add(forwarding.bytes);
    }

    void notStarted(Forwarding forwarding) {
        room.add(-forwarding.bytes);
    }

    void settled(Forwarding forwarding) {
        room.add(-forwarding.bytes);
        latency.record(System.nanoTime() - forwarding.startedAt, TimeUnit.NANOSECONDS);
    }

    /**
     * The partition for a record that is sent now, null where Kafka chooses by the key.
     *
     * @throws KafkaException when it is not known yet how many there are
     */
    Integer partition(Target target, long receivedAt) {
        if (target.leavesPartitionToKafka()) return null;
        if (target.fixedPartition() != null) return target.fixedPartition();
        var count = topics.partitionsElseAsk(target.kafkaTopic());
        if (count == KafkaTopic.HIDDEN) count = producer.partitions(target.kafkaTopic());
        if (count == 0 && target.key() == null && target.isSpread()) return null;
        if (count == 0)
            throw new UnknownTopicOrPartitionException("Kafka does not have the topic, or was not asked yet");
        return target.partition(count, spreadSeed + (receivedAt >> SPREAD_SHIFT), room);
    }

    /** Why a record fails whose Kafka topic the message, and so a device, names: it may never be there. Null if it may be handed over. */
    Refusal refusalOfMissing(Target target) {
        if (!target.route().isTemplated()) return null;
        var refusal = topics.refusalOfMissing(target.kafkaTopic());
        if (refusal != null)
            MISSING_TOPICS.warn("a message of route \"" + target.route().name()
                    + "\" fails, because there is no Kafka topic " + target.kafkaTopic());
        return refusal;
    }

    Tracing tracing() {
        return tracing;
    }

    String deadLetterTopic() {
        return config.deadLetterTopic();
    }

    /** A dead letter is acknowledged. */
    void deadLettered(Failure.Kind kind) {
        deadLetters.get(kind).increment();
    }
}

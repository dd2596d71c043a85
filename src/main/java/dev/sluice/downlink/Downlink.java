package dev.sluice.downlink;

import dev.sluice.broker.Broker;
import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.codec.InputBounds;
import dev.sluice.config.DownlinkConfig;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.config.UplinkConfig;
import dev.sluice.uplink.producer.ClientCheck;
import dev.sluice.uplink.producer.Codecs;
import dev.sluice.uplink.producer.RootCause;
import dev.sluice.uplink.producer.UplinkProducer;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.jboss.logging.Logger;

/**
 * Owns the thread that brings records of Kafka to devices, from the start of the gateway to its end. When the consumer fails, it begins
 * anew with what was committed.
 */
@ApplicationScoped
class Downlink {
    private static final Logger LOG = Logger.getLogger(Downlink.class);
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(5);
    /** A consumer that has lived so long is missed at once: Kafka's client fails, too, when topics change under its hands. */
    private static final Duration LONG_LIFE = Duration.ofSeconds(10);

    private static final Duration AFTER_LONG_LIFE = Duration.ofMillis(100);
    private static final Duration WITHOUT_TOPIC = Duration.ofMillis(100);
    private static final Duration STOP_TIME = Duration.ofSeconds(4);

    private final DownlinkConfig config;
    private final List<String> kafkaTopics;
    private final String deadLetterTopic;
    private final RecordReader reader;
    private final Map<String, Object> properties;
    private final Broker broker;
    private final UplinkProducer producer;
    private final DownlinkMeters meters;
    private final ThrottledLog refusals = new ThrottledLog(LOG);
    private final Repeating thread = Repeating.onPlatformThread("sluice-downlink");
    private final TopicWatch topics;
    private final PartitionWatch partitions;

    private volatile DownlinkConsumer consumer;
    /** Why the last consumer has failed; null while there is one that works. */
    private volatile String failure;

    Downlink(
            DownlinkConfig config,
            UplinkConfig uplinkConfig,
            MqttConfig mqtt,
            InputBounds bounds,
            NodeConfig node,
            @Identifier("default-kafka-broker") Map<String, Object> kafkaConfig,
            Broker broker,
            UplinkProducer producer,
            MeterRegistry registry) {
        var settings = new DownlinkSettings(config, uplinkConfig.deadLetterTopic());
        settings.requireSound();
        this.config = config;
        this.kafkaTopics = settings.kafkaTopics();
        this.deadLetterTopic = uplinkConfig.deadLetterTopic();
        this.reader = new RecordReader(settings.templates(), mqtt.payloadFormatCheck(), bounds);
        this.properties = settings.properties(kafkaConfig, node.id());
        this.broker = broker;
        this.producer = producer;
        this.meters = new DownlinkMeters(registry);
        this.topics = new TopicWatch(kafkaConfig, kafkaTopics, letterTopics());
        this.partitions = new PartitionWatch(kafkaConfig);
    }

    private List<String> letterTopics() {
        return Stream.concat(Stream.of(deadLetterTopic), config.undeliverableTopic().stream())
                .toList();
    }

    void start(@Observes @Priority(StartOrder.KAFKA_READERS) StartupEvent event) {
        if (kafkaTopics.isEmpty()) return;
        ClientCheck.require(
                properties,
                name -> config.consumer().containsKey(name)
                        ? "sluice.downlink.consumer.\"" + name + "\""
                        : "kafka." + name);
        // It loads libraries, which no client has to wait for.
        Thread.ofVirtual().name("sluice-codecs").start(() -> Codecs.unreadable().forEach(LOG::warn));
        topics.start();
        partitions.start();
        thread.start(this::turn);
    }

    /** Before clients are told to go, so that they still acknowledge what they have; does not wait for that. */
    void drain(@Observes @Priority(StartOrder.STOP_DOWNLINK) ShutdownDelayInitiatedEvent event) {
        thread.stop();
        topics.stop();
        var current = consumer;
        if (current != null) current.execute(() -> {}); // wakes it
    }

    void stop(@Observes @Priority(StartOrder.STOP_DOWNLINK) ShutdownEvent event) {
        thread.stop();
        topics.stop();
        partitions.stop();
        if (!thread.join(STOP_TIME)) LOG.warn("the downlink does not end; its last records come again");
    }

    private Duration turn() {
        // Once in the group, it keeps partitions from others, which could deliver their commands.
        if (topics.present().isEmpty() || !broker.mayDeliver()) return WITHOUT_TOPIC;
        var begunAt = System.nanoTime();
        consume();
        return System.nanoTime() - begunAt < LONG_LIFE.toNanos() ? AFTER_FAILURE : AFTER_LONG_LIFE;
    }

    private void consume() {
        try (var life = new DownlinkConsumer(
                properties, config, deadLetterTopic, reader, broker, producer, partitions, meters)) {
            consumer = life;
            while (!thread.isStopped()) {
                life.turn(topics.present());
                failure = null;
            }
            life.finish();
        } catch (KafkaException refused) {
            failure = sentence(refused);
            refusals.error("no commands come from Kafka, which is tried again every %d s: %s%s"
                    .formatted(AFTER_FAILURE.toSeconds(), failure, hint(refused)));
        } catch (RuntimeException
                | Error failed) { // of a library that cannot be loaded, or of memory: the thread goes on
            failure = failed.toString();
            LOG.error("the downlink begins anew", failed);
        } finally {
            consumer = null;
        }
    }

    /** What is wrapped says more. */
    private static String sentence(KafkaException refused) {
        var root = RootCause.of(refused);
        return root == refused ? refused.getMessage() : refused.getMessage() + ": " + root.getMessage();
    }

    private String hint(KafkaException refused) {
        return refused instanceof AuthorizationException
                ? " (the downlink needs Read and Describe on its Kafka topics, and Read on its consumer group "
                        + config.group() + ")"
                : "";
    }

    /** Why no commands come, or not from a partition, by what has the trouble; empty while there is none. From any thread. */
    Map<String, String> troubles() {
        var failed = failure;
        if (failed != null) return Map.of("failure", failed);
        var current = consumer;
        return current == null ? Map.of() : current.standstills();
    }
}

package dev.sluice.downlink;

import dev.sluice.broker.Broker;
import dev.sluice.config.DownlinkConfig;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.UplinkConfig;
import dev.sluice.uplink.Uplink;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.jboss.logging.Logger;

/**
 * Owns the thread that brings records of Kafka to devices, from the start of the gateway to its end. When the consumer fails, it begins
 * anew with what was committed.
 */
@ApplicationScoped
class Downlink {
    private static final Logger LOG = Logger.getLogger(Downlink.class);
    private static final String PREFIX = "sluice.downlink.";
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(5);
    private static final Duration WITHOUT_TOPIC = Duration.ofMillis(100);
    private static final Duration STOP_TIME = Duration.ofSeconds(4);

    private final DownlinkConfig config;
    private final List<String> kafkaTopics;
    private final String deadLetterTopic;
    private final RecordReader reader;
    private final Map<String, Object> properties;
    private final Broker broker;
    private final Uplink uplink;
    private final DownlinkMeters meters;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final TopicWatch topics;
    private Thread thread;
    private volatile DownlinkConsumer consumer;

    Downlink(
            DownlinkConfig config,
            UplinkConfig uplinkConfig,
            MqttConfig mqtt,
            NodeConfig node,
            @Identifier("default-kafka-broker") Map<String, Object> kafkaConfig,
            Broker broker,
            Uplink uplink,
            MeterRegistry registry) {
        this.config = config;
        this.kafkaTopics = config.topics().orElse(List.of());
        this.deadLetterTopic = uplinkConfig.deadLetterTopic();
        this.reader = new RecordReader(templates(config, kafkaTopics), mqtt.payloadFormatCheck());
        this.properties = properties(config, node, kafkaConfig);
        this.broker = broker;
        this.uplink = uplink;
        this.meters = new DownlinkMeters(registry);
        this.topics = new TopicWatch(kafkaConfig, kafkaTopics, stopped);
        requireNoCircle(deadLetterTopic, "sluice.uplink.dead-letter-topic");
        config.undeliverableTopic().ifPresent(it -> requireNoCircle(it, PREFIX + "undeliverable-topic"));
        requirePositive(config.inFlight(), "in-flight");
        requirePositive(config.bytesInFlight(), "bytes-in-flight");
    }

    private static Map<String, RecordReader.TopicTemplate> templates(DownlinkConfig config, List<String> kafkaTopics) {
        var templates = new HashMap<String, RecordReader.TopicTemplate>();
        config.templates().forEach((kafkaTopic, text) -> {
            var key = PREFIX + "templates.\"" + kafkaTopic + "\"";
            if (!kafkaTopics.contains(kafkaTopic))
                throw new IllegalArgumentException(key + ": is for a Kafka topic that is not in " + PREFIX + "topics");
            try {
                templates.put(kafkaTopic, RecordReader.TopicTemplate.of(text));
            } catch (IllegalArgumentException mistake) {
                throw new IllegalArgumentException(key + ": " + mistake.getMessage(), mistake);
            }
        });
        return templates;
    }

    /** What may be changed, then what was changed, then what must be as it is. */
    private static Map<String, Object> properties(
            DownlinkConfig config, NodeConfig node, Map<String, Object> kafkaConfig) {
        var properties = new HashMap<>(kafkaConfig);
        properties.put(ConsumerConfig.CLIENT_ID_CONFIG, "sluice-downlink");
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        properties.put(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, CooperativeStickyAssignor.class.getName());
        // The same member after a kill, so that its partitions are its own again at once.
        properties.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, node.id().replaceAll("[^A-Za-z0-9._-]", "-"));
        properties.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 10_000);
        properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, Math.clamp(config.inFlight(), 1, 500));
        properties.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, Math.clamp(config.bytesInFlight(), 1, 50 << 20));
        properties.putAll(config.consumer());
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, config.group());
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        return properties;
    }

    private void requireNoCircle(String kafkaTopic, String key) {
        if (kafkaTopics.contains(kafkaTopic))
            throw new IllegalArgumentException(key + ": is \"" + kafkaTopic + "\", which is one of " + PREFIX
                    + "topics: what cannot be delivered would come again and again");
    }

    private static void requirePositive(long value, String key) {
        if (value < 1) throw new IllegalArgumentException(PREFIX + key + ": is " + value + ", and has to be 1 or more");
    }

    /** When the broker knows who has subscribed to what. */
    void start(@Observes @Priority(3100) StartupEvent event) {
        if (kafkaTopics.isEmpty()) return;
        topics.start();
        thread = Thread.ofPlatform().name("sluice-downlink").daemon().start(this::run);
    }

    /** Before clients are told to go, so that they still acknowledge what they have; does not wait for that. */
    void drain(@Observes @Priority(1000) ShutdownDelayInitiatedEvent event) {
        stopped.countDown();
        var current = consumer;
        if (current != null) current.execute(() -> {}); // wakes it
    }

    void stop(@Observes @Priority(1000) ShutdownEvent event) {
        stopped.countDown();
        if (thread == null) return;
        try {
            if (!thread.join(STOP_TIME)) LOG.warn("the downlink does not end; its last records come again");
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            while (isRunning() && topics.present().isEmpty()) await(WITHOUT_TOPIC);
            while (isRunning()) {
                consume();
                if (isRunning()) await(AFTER_FAILURE);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void consume() {
        try (var life = new DownlinkConsumer(properties, config, deadLetterTopic, reader, broker, uplink, meters)) {
            consumer = life;
            while (isRunning()) life.turn(topics.present());
            life.finish();
        } catch (RuntimeException failure) {
            LOG.errorf(failure, "the downlink begins anew in %d s", AFTER_FAILURE.toSeconds());
        } finally {
            consumer = null;
        }
    }

    private boolean isRunning() {
        return stopped.getCount() > 0;
    }

    private void await(Duration time) throws InterruptedException {
        stopped.await(time.toNanos(), TimeUnit.NANOSECONDS);
    }
}

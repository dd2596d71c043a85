package dev.sluice.downlink;

import dev.sluice.broker.Broker;
import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
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
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

/**
 * Owns the thread that brings records of Kafka to devices, from the start of the gateway to its end. When the consumer fails, it begins
 * anew with what was committed.
 */
@ApplicationScoped
class Downlink {
    private static final Logger LOG = Logger.getLogger(Downlink.class);
    private static final String REFUSED =
            "no commands come from Kafka, which is tried again every %d s: %s (the downlink needs Read and Describe on its Kafka topics,"
                    + " and Read on its consumer group %s)";
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
    private final ThrottledLog refusals = new ThrottledLog(LOG);
    private final Repeating thread = Repeating.onPlatformThread("sluice-downlink");
    private final TopicWatch topics;

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
        var settings = new DownlinkSettings(config, uplinkConfig.deadLetterTopic());
        settings.requireSound();
        this.config = config;
        this.kafkaTopics = settings.kafkaTopics();
        this.deadLetterTopic = uplinkConfig.deadLetterTopic();
        this.reader = new RecordReader(settings.templates(), mqtt.payloadFormatCheck());
        this.properties = settings.properties(kafkaConfig, node.id());
        this.broker = broker;
        this.uplink = uplink;
        this.meters = new DownlinkMeters(registry);
        this.topics = new TopicWatch(kafkaConfig, kafkaTopics, letterTopics());
    }

    private List<String> letterTopics() {
        return Stream.concat(Stream.of(deadLetterTopic), config.undeliverableTopic().stream())
                .toList();
    }

    /** When the broker knows who has subscribed to what. */
    void start(@Observes @Priority(3100) StartupEvent event) {
        if (kafkaTopics.isEmpty()) return;
        topics.start();
        thread.start(this::turn);
    }

    /** Before clients are told to go, so that they still acknowledge what they have; does not wait for that. */
    void drain(@Observes @Priority(1000) ShutdownDelayInitiatedEvent event) {
        thread.stop();
        topics.stop();
        var current = consumer;
        if (current != null) current.execute(() -> {}); // wakes it
    }

    void stop(@Observes @Priority(1000) ShutdownEvent event) {
        thread.stop();
        topics.stop();
        if (!thread.join(STOP_TIME)) LOG.warn("the downlink does not end; its last records come again");
    }

    private Duration turn() {
        if (topics.present().isEmpty()) return WITHOUT_TOPIC;
        consume();
        return AFTER_FAILURE;
    }

    private void consume() {
        try (var life = new DownlinkConsumer(properties, config, deadLetterTopic, reader, broker, uplink, meters)) {
            consumer = life;
            while (!thread.isStopped()) life.turn(topics.present());
            life.finish();
        } catch (KafkaException refused) {
            refusals.error(REFUSED.formatted(AFTER_FAILURE.toSeconds(), refused.getMessage(), config.group()));
        } catch (RuntimeException failure) {
            LOG.errorf(failure, "the downlink begins anew in %d s", AFTER_FAILURE.toSeconds());
        } finally {
            consumer = null;
        }
    }
}

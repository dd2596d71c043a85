package dev.sluice.downlink;

import dev.sluice.config.DownlinkConfig;
import dev.sluice.downlink.RecordReader.TopicTemplate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;

/** Reads the configuration of the downlink, and finds the mistakes in it. Immutable: any thread may use it. */
record DownlinkSettings(DownlinkConfig config, String deadLetterTopic) {
    private static final String PREFIX = "sluice.downlink.";
    private static final int MOST_POLLED = 500;
    private static final int MOST_FETCHED = 50 << 20;
    private static final int SESSION_TIMEOUT_MILLIS = 10_000;

    List<String> kafkaTopics() {
        return config.topics().orElse(List.of());
    }

    /** @throws IllegalArgumentException with a sentence that names the key and the mistake */
    void requireSound() {
        requireNoCircle(deadLetterTopic, "sluice.uplink.dead-letter-topic");
        config.undeliverableTopic().ifPresent(it -> requireNoCircle(it, PREFIX + "undeliverable-topic"));
        requirePositive(config.inFlight(), "in-flight");
        requirePositive(config.bytesInFlight(), "bytes-in-flight");
        requirePositive(config.bytesWaiting(), "bytes-waiting");
    }

    private void requireNoCircle(String kafkaTopic, String key) {
        if (kafkaTopics().contains(kafkaTopic))
            throw new IllegalArgumentException(key + ": is \"" + kafkaTopic + "\", which is one of " + PREFIX
                    + "topics: what cannot be delivered would come again and again");
    }

    private static void requirePositive(long value, String key) {
        if (value < 1) throw new IllegalArgumentException(PREFIX + key + ": is " + value + ", and has to be 1 or more");
    }

    /** @throws IllegalArgumentException with a sentence that names the key and the mistake */
    Map<String, TopicTemplate> templates() {
        var templates = new HashMap<String, TopicTemplate>();
        config.templates().forEach((kafkaTopic, text) -> {
            var key = PREFIX + "templates.\"" + kafkaTopic + "\"";
            if (!kafkaTopics().contains(kafkaTopic))
                throw new IllegalArgumentException(key + ": is for a Kafka topic that is not in " + PREFIX + "topics");
            try {
                templates.put(kafkaTopic, TopicTemplate.of(text));
            } catch (IllegalArgumentException mistake) {
                throw new IllegalArgumentException(key + ": " + mistake.getMessage(), mistake);
            }
        });
        return templates;
    }

    /** Returns the consumer's properties: our defaults, then the operator's, then those that must be as they are. */
    Map<String, Object> properties(Map<String, Object> kafkaConfig, String node) {
        var properties = new HashMap<>(kafkaConfig);
        properties.put(ConsumerConfig.CLIENT_ID_CONFIG, "sluice-downlink");
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        properties.put(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, CooperativeStickyAssignor.class.getName());
        // The same member after a kill, so that its partitions are its own again at once.
        properties.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, node.replaceAll("[^A-Za-z0-9._-]", "-"));
        properties.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, SESSION_TIMEOUT_MILLIS);
        properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, Math.clamp(config.inFlight(), 1, MOST_POLLED));
        properties.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, Math.clamp(config.bytesInFlight(), 1, MOST_FETCHED));
        properties.putAll(config.consumer());
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, config.group());
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        return properties;
    }
}

package dev.sluice.uplink;

import dev.sluice.uplink.route.KafkaTopic;
import dev.sluice.uplink.route.TimestampBounds;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.record.TimestampType;

/** Asks Kafka about its topics, and makes some only where it is told to. Stateless; blocks. */
public final class KafkaTopics {
    private KafkaTopics() {}

    /** Returns how many partitions each of these topics has: 0 if Kafka has no such topic, or does not let the gateway describe it. */
    public static Map<String, Integer> partitions(Admin admin, Collection<String> topics, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        var counts = new HashMap<String, Integer>();
        for (var topic : admin.describeTopics(topics).topicNameValues().entrySet())
            counts.put(topic.getKey(), Math.max(0, partitions(topic.getValue(), timeout)));
        return counts;
    }

    /** Returns what Kafka says of each of these topics. */
    static Map<String, KafkaTopic> describe(Admin admin, Collection<String> topics, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        var descriptions = admin.describeTopics(topics).topicNameValues();
        var configs = admin.describeConfigs(
                        topics.stream().map(KafkaTopics::resource).toList())
                .values();
        var said = new HashMap<String, KafkaTopic>();
        for (var topic : topics) {
            var partitions = partitions(descriptions.get(topic), timeout);
            var config = config(configs.get(resource(topic)), timeout);
            said.put(
                    topic,
                    config == null
                            ? new KafkaTopic(partitions, null)
                            : new KafkaTopic(partitions, isCompacted(config), timestamps(config)));
        }
        return said;
    }

    /** Returns the names of all topics. */
    static Set<String> names(Admin admin, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        return admin.listTopics().names().get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    /**
     * Creates a topic with Kafka's own defaults, unless it is there.
     *
     * @throws ExecutionException when Kafka does not want that
     */
    static void create(Admin admin, String topic, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        try {
            admin.createTopics(List.of(new NewTopic(topic, Optional.empty(), Optional.empty())))
                    .all()
                    .get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failed) {
            if (!(failed.getCause() instanceof TopicExistsException)) throw failed;
        }
    }

    /** Returns how each of these topics does now. */
    static Map<String, TopicState> states(Admin admin, Collection<String> topics, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        var descriptions = admin.describeTopics(topics).topicNameValues();
        var configs = admin.describeConfigs(
                        topics.stream().map(KafkaTopics::resource).collect(Collectors.toSet()))
                .values();
        var states = new HashMap<String, TopicState>();
        for (var topic : topics) {
            var description = description(descriptions.get(topic), timeout);
            if (description == null) {
                states.put(topic, TopicState.MISSING);
                continue;
            }
            var inSync = inSync(configs.get(resource(topic)), timeout);
            var writable = description.partitions().stream()
                    .filter(partition -> isWritable(partition, inSync))
                    .map(TopicPartitionInfo::partition)
                    .collect(Collectors.toSet());
            states.put(topic, new TopicState(description.partitions().size(), writable));
        }
        return states;
    }

    private static ConfigResource resource(String topic) {
        return new ConfigResource(ConfigResource.Type.TOPIC, topic);
    }

    /** A broker never asks for more replicas than there are. */
    private static boolean isWritable(TopicPartitionInfo partition, int inSync) {
        var leader = partition.leader();
        return leader != null
                && !leader.isEmpty()
                && partition.isr().size()
                        >= Math.min(inSync, partition.replicas().size());
    }

    /** How many replicas have to be in sync; all of them where the gateway may not know. */
    private static int inSync(KafkaFuture<Config> config, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        try {
            var entry =
                    config.get(timeout.toNanos(), TimeUnit.NANOSECONDS).get(TopicConfig.MIN_IN_SYNC_REPLICAS_CONFIG);
            return entry == null || entry.value() == null ? Integer.MAX_VALUE : Integer.parseInt(entry.value());
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof AuthorizationException
                    || failed.getCause() instanceof UnknownTopicOrPartitionException) return Integer.MAX_VALUE;
            throw failed;
        }
    }

    /** Null if Kafka has no such topic, or does not let the gateway describe it. */
    private static TopicDescription description(KafkaFuture<TopicDescription> description, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        try {
            return description.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof UnknownTopicOrPartitionException
                    || failed.getCause() instanceof TopicAuthorizationException) return null;
            throw failed;
        }
    }

    /** 0 if Kafka has no such topic, {@link KafkaTopic#HIDDEN} if it does not let the gateway describe it. */
    private static int partitions(KafkaFuture<TopicDescription> description, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        try {
            return description
                    .get(timeout.toNanos(), TimeUnit.NANOSECONDS)
                    .partitions()
                    .size();
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof UnknownTopicOrPartitionException) return 0;
            if (failed.getCause() instanceof TopicAuthorizationException) return KafkaTopic.HIDDEN;
            throw failed;
        }
    }

    private static Boolean isCompacted(Config config) {
        var policy = config.get(TopicConfig.CLEANUP_POLICY_CONFIG);
        return policy == null ? null : policy.value().contains(TopicConfig.CLEANUP_POLICY_COMPACT);
    }

    private static TimestampBounds timestamps(Config config) {
        var type = config.get(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG);
        return type != null && TimestampType.LOG_APPEND_TIME.name.equals(type.value())
                ? TimestampBounds.NONE
                : new TimestampBounds(
                        millis(config, TopicConfig.MESSAGE_TIMESTAMP_BEFORE_MAX_MS_CONFIG),
                        millis(config, TopicConfig.MESSAGE_TIMESTAMP_AFTER_MAX_MS_CONFIG));
    }

    /** Kafka before 3.6 does not have these. */
    private static long millis(Config config, String key) {
        var entry = config.get(key);
        return entry == null || entry.value() == null ? Long.MAX_VALUE : Long.parseLong(entry.value());
    }

    /** Null if Kafka has no such topic, or does not let the gateway describe its configuration. */
    private static Config config(KafkaFuture<Config> config, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        try {
            return config.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof UnknownTopicOrPartitionException
                    || failed.getCause() instanceof AuthorizationException) return null;
            throw failed;
        }
    }
}

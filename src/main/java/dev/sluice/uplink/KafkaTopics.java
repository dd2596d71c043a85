package dev.sluice.uplink;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Asks Kafka which topics it has. Stateless; blocks. */
public final class KafkaTopics {
    private KafkaTopics() {}

    /** Returns how many partitions each of these topics has: 0 if Kafka has no such topic, or does not let the gateway describe it. */
    public static Map<String, Integer> partitions(Admin admin, Collection<String> topics, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        var counts = new HashMap<String, Integer>();
        for (var topic : admin.describeTopics(topics).topicNameValues().entrySet()) {
            var description = description(topic.getValue(), timeout);
            counts.put(
                    topic.getKey(),
                    description == null ? 0 : description.partitions().size());
        }
        return counts;
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
}

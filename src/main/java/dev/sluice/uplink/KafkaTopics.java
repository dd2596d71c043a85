package dev.sluice.uplink;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Asks Kafka which topics it has. Stateless; blocks. */
public final class KafkaTopics {
    private KafkaTopics() {}

    /** Returns how many partitions each of these topics has: 0 if Kafka has no such topic, or does not let the gateway describe it. */
    public static Map<String, Integer> partitions(Admin admin, Collection<String> topics, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        var counts = new HashMap<String, Integer>();
        for (var topic : admin.describeTopics(topics).topicNameValues().entrySet())
            counts.put(topic.getKey(), partitions(topic.getValue(), timeout));
        return counts;
    }

    private static int partitions(KafkaFuture<TopicDescription> description, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        try {
            return description
                    .get(timeout.toNanos(), TimeUnit.NANOSECONDS)
                    .partitions()
                    .size();
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof UnknownTopicOrPartitionException
                    || failed.getCause() instanceof TopicAuthorizationException) return 0;
            throw failed;
        }
    }
}

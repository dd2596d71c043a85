package dev.sluice.downlink;

import dev.sluice.broker.Broker;
import dev.sluice.config.DownlinkConfig;
import dev.sluice.topic.TopicName;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;

/** All records that can be delivered and are not yet, by MQTT topic. Confined to the downlink's thread. */
final class TopicQueues {
    private final TopicQueue.Surroundings around;
    private final Map<TopicName, TopicQueue> queues = new HashMap<>();
    private boolean stopping;

    /**
     * @param thread the downlink's own
     * @param ended gets each record once
     */
    TopicQueues(
            Broker broker, DownlinkConfig config, Executor thread, BiConsumer<DownlinkRecord, DownlinkOutcome> ended) {
        this.around = new TopicQueue.Surroundings(broker, config, thread, ended, this::isStopping);
    }

    void add(DownlinkRecord record) {
        var topicName = record.message().topicName();
        var queue = queues.computeIfAbsent(topicName, _ -> new TopicQueue(around));
        queue.add(record);
        if (queue.isEmpty()) queues.remove(topicName);
    }

    /** The clock. */
    void tick(long now) {
        for (var queue : List.copyOf(queues.values())) queue.tick(now);
        queues.values().removeIf(TopicQueue::isEmpty);
    }

    void drop(Progress progress) {
        for (var queue : List.copyOf(queues.values())) queue.drop(progress);
        queues.values().removeIf(TopicQueue::isEmpty);
    }

    /** Begins nothing more. */
    void stop() {
        stopping = true;
    }

    boolean isEmpty() {
        return queues.isEmpty();
    }

    /** Whether clients, PostgreSQL or Kafka are about to answer. */
    boolean isUnderWay() {
        return queues.values().stream().anyMatch(TopicQueue::isUnderWay);
    }

    boolean isStopping() {
        return stopping;
    }
}

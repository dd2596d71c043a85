package dev.sluice.downlink;

import dev.sluice.broker.Broker;
import dev.sluice.config.DownlinkConfig;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/** All records that can be delivered and are not yet, by MQTT topic. Confined to the downlink's thread. */
final class TopicQueues {
    /** So that tens of thousands that wait do not take the time of those that move. */
    private static final int WAITING_IN_A_TICK = 2_000;

    private final TopicQueue.Surroundings around;
    private final Map<TopicName, TopicQueue> moving = new LinkedHashMap<>();
    /** Those that waited for somebody to subscribe when they were looked at last; the one that was looked at longest ago is the first. */
    private final Map<TopicName, TopicQueue> waiting = new LinkedHashMap<>();

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
        var queue = waiting.get(topicName);
        if (queue == null) queue = moving.computeIfAbsent(topicName, _ -> new TopicQueue(around));
        queue.add(record);
        if (queue.isEmpty()) moving.remove(topicName);
    }

    /** The clock. */
    void tick(long now) {
        var turn = new ArrayList<>(moving.entrySet());
        waiting.entrySet().stream().limit(WAITING_IN_A_TICK).forEach(turn::add);
        for (var one : turn) {
            one.getValue().tick(now);
            put(one.getKey(), one.getValue());
        }
    }

    private void put(TopicName topicName, TopicQueue queue) {
        moving.remove(topicName);
        waiting.remove(topicName);
        if (queue.isEmpty()) return;
        (queue.isWaiting() ? waiting : moving).put(topicName, queue);
    }

    void drop(Progress progress) {
        for (var queues : List.of(moving, waiting)) {
            for (var queue : List.copyOf(queues.values())) queue.drop(progress);
            queues.values().removeIf(TopicQueue::isEmpty);
        }
    }

    /** Begins nothing more. */
    void stop() {
        stopping = true;
    }

    boolean isEmpty() {
        return moving.isEmpty() && waiting.isEmpty();
    }

    /** Whether clients, PostgreSQL or Kafka are about to answer. */
    boolean isUnderWay() {
        return Stream.concat(moving.values().stream(), waiting.values().stream())
                .anyMatch(TopicQueue::isUnderWay);
    }

    boolean isStopping() {
        return stopping;
    }
}

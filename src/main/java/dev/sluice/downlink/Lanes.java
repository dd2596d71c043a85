package dev.sluice.downlink;

import dev.sluice.broker.Broker;
import dev.sluice.broker.routing.TrackedDelivery;
import dev.sluice.config.DownlinkConfig;
import dev.sluice.topic.TopicName;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;

/** All records that can be delivered and are not yet, by MQTT topic. Confined to the downlink's thread, except for {@link #execute}. */
final class Lanes {
    private final Broker broker;
    private final DownlinkConfig config;
    private final Executor thread;
    private final BiConsumer<Command, Ending> ended;
    private final Map<TopicName, Lane> lanes = new HashMap<>();
    private boolean stopping;

    /**
     * @param thread the downlink's own
     * @param ended called once for each record
     */
    Lanes(Broker broker, DownlinkConfig config, Executor thread, BiConsumer<Command, Ending> ended) {
        this.broker = broker;
        this.config = config;
        this.thread = thread;
        this.ended = ended;
    }

    void add(Command command) {
        var topicName = command.message().topicName();
        var lane = lanes.computeIfAbsent(topicName, _ -> new Lane(this));
        lane.add(command);
        if (lane.isEmpty()) lanes.remove(topicName);
    }

    void settled(Lane lane, int number, TrackedDelivery.Outcome outcome) {
        lane.settled(number, outcome);
    }

    /** The clock. */
    void tick(long now) {
        for (var lane : List.copyOf(lanes.values())) lane.tick(now);
        lanes.values().removeIf(Lane::isEmpty);
    }

    void drop(Progress progress) {
        for (var lane : List.copyOf(lanes.values())) lane.drop(progress);
        lanes.values().removeIf(Lane::isEmpty);
    }

    /** Nothing more is begun. */
    void stop() {
        stopping = true;
    }

    boolean isEmpty() {
        return lanes.isEmpty();
    }

    /** Returns whether anything is about to be answered. */
    boolean isUnderWay() {
        return lanes.values().stream().anyMatch(Lane::isUnderWay);
    }

    boolean isStopping() {
        return stopping;
    }

    void ended(Command command, Ending ending) {
        ended.accept(command, ending);
    }

    void execute(Runnable task) {
        thread.execute(task);
    }

    Broker broker() {
        return broker;
    }

    DownlinkConfig config() {
        return config;
    }
}

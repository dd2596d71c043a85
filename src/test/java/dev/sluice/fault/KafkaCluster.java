package dev.sluice.fault;

import static org.awaitility.Awaitility.await;

import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.dev.Ports;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Uuid;

/** A Kafka of three nodes, each a broker and a controller, which end and come back one by one; used by the test's thread. */
final class KafkaCluster implements AutoCloseable {
    private static final int NODES = 3;
    private static final Duration START_TIME = Duration.ofSeconds(120);

    private final Path folder;
    private final String clusterId = Uuid.randomUuid().toString();
    private final List<Integer> ports =
            IntStream.range(0, NODES).mapToObj(_ -> Ports.free()).toList();
    private final String voters = IntStream.rangeClosed(1, NODES)
            .mapToObj(id -> id + "@127.0.0.1:" + Ports.free())
            .collect(Collectors.joining(","));
    private final EmbeddedKafka[] nodes = new EmbeddedKafka[NODES + 1];
    private final Admin admin;

    KafkaCluster(Path folder) {
        this.folder = folder;
        this.admin = Admin.create(Map.of("bootstrap.servers", bootstrap()));
    }

    String bootstrap() {
        return ports.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
    }

    /** Starts all nodes; returns when the topics are there. */
    void start(List<NewTopic> topics) {
        for (int id = 1; id <= NODES; id++) start(id);
        awaitNodes(NODES);
        create(topics);
    }

    /** Starts a node, with an id from 1 on; returns at once. */
    void start(int id) {
        nodes[id] = EmbeddedKafka.launch(
                ports.get(id - 1),
                folder.resolve("node-" + id),
                Map.of(
                        "node.id",
                        Integer.toString(id),
                        "cluster.id",
                        clusterId,
                        "controller.quorum.voters",
                        voters,
                        "offsets.topic.replication.factor",
                        Integer.toString(NODES),
                        "broker.heartbeat.interval.ms",
                        "500",
                        "broker.session.timeout.ms",
                        "3000"));
    }

    void kill(int id) {
        nodes[id].process().kill();
    }

    /** Asks a node to end, and waits until it has: what it led is led by others before. */
    void stop(int id) {
        nodes[id].close();
    }

    /** Waits until so many brokers serve. */
    void awaitNodes(int count) {
        await(count + " brokers")
                .atMost(START_TIME)
                .ignoreExceptions()
                .until(() -> admin.describeCluster().nodes().get().size() == count);
    }

    void create(List<NewTopic> topics) {
        join(admin.createTopics(topics).all());
    }

    /** Returns when no broker knows the topic any more. */
    void delete(String topic) {
        join(admin.deleteTopics(List.of(topic)).all());
        await("no " + topic).until(() -> !join(admin.listTopics().names()).contains(topic));
    }

    /** Waits until each partition has all its replicas in sync. */
    void awaitInSync(List<String> topics) {
        await("replicas in sync")
                .atMost(START_TIME)
                .ignoreExceptions()
                .until(() -> join(admin.describeTopics(topics).allTopicNames()).values().stream()
                        .flatMap(topic -> topic.partitions().stream())
                        .allMatch(it -> it.isr().size() == it.replicas().size()));
    }

    private static <T> T join(KafkaFuture<T> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        admin.close(Duration.ZERO);
        // Nobody wants what they would write at a calm end.
        for (int id = 1; id <= NODES; id++)
            if (nodes[id] != null && nodes[id].process().isAlive()) kill(id);
    }
}

package dev.sluice.dev;

import dev.sluice.tools.ToolLog;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/**
 * A Kafka broker and controller in this JVM, on a folder that outlives it: a Kafka of one node, or one node of several, if the settings name
 * its {@code node.id}, all {@code controller.quorum.voters} and the {@link #CLUSTER_ID}. Started and closed by one thread.
 */
public final class KafkaBroker implements AutoCloseable {
    /** The one setting that is no broker's: what all folders of a cluster have in common. */
    static final String CLUSTER_ID = "cluster.id";

    private static final String NODE_ID = "node.id";
    private static final String VOTERS = "controller.quorum.voters";

    private final KafkaRaftServer server;

    private KafkaBroker(KafkaRaftServer server) {
        this.server = server;
    }

    /**
     * Starts a broker that listens on 127.0.0.1, on the folder's earlier records if it has any.
     *
     * @param more settings; those of listeners are added to the ones that are here, others go before them
     */
    private static KafkaBroker start(int port, Path folder, Map<String, String> more) throws Exception {
        var settings = settings(port, folder, more);
        more.forEach((name, value) -> settings.merge(
                name, value, (ours, theirs) -> name.endsWith("listeners") ? ours + "," + theirs : theirs));
        var clusterId = settings.remove(CLUSTER_ID);
        var config = new KafkaConfig(settings, false);
        if (!Files.exists(folder.resolve("meta.properties"))) {
            format(
                    folder,
                    config.nodeId(),
                    clusterId == null ? Uuid.randomUuid().toString() : clusterId);
        }
        var server = new KafkaRaftServer(config, Time.SYSTEM);
        server.startup();
        return new KafkaBroker(server);
    }

    /** The cluster id is drawn once and stays with the folder. */
    private static void format(Path folder, int nodeId, String clusterId) throws Exception {
        Files.createDirectories(folder);
        new Formatter()
                .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
                .setNodeId(nodeId)
                .setClusterId(clusterId)
                .setDirectories(List.of(folder.toString()))
                .setMetadataLogDirectory(folder.toString())
                .setControllerListenerName("CONTROLLER")
                .run();
    }

    private static Map<String, String> settings(int port, Path folder, Map<String, String> more) {
        var nodeId = more.getOrDefault(NODE_ID, "1");
        var voters = more.getOrDefault(VOTERS, nodeId + "@127.0.0.1:" + Ports.free());
        var controllerPort = Stream.of(voters.split(","))
                .filter(voter -> voter.startsWith(nodeId + "@"))
                .map(voter -> voter.substring(voter.lastIndexOf(':') + 1))
                .findFirst()
                .orElseThrow();
        var settings = new HashMap<String, String>();
        settings.put("process.roles", "broker,controller");
        settings.put(NODE_ID, nodeId);
        settings.put(VOTERS, voters);
        settings.put("controller.listener.names", "CONTROLLER");
        settings.put("listeners", "PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controllerPort);
        settings.put("advertised.listeners", "PLAINTEXT://127.0.0.1:" + port);
        settings.put("log.dirs", folder.toString());
        settings.put("auto.create.topics.enable", "false");
        settings.put("offsets.topic.replication.factor", "1");
        settings.put("offsets.topic.num.partitions", "4");
        settings.put("transaction.state.log.replication.factor", "1");
        settings.put("transaction.state.log.min.isr", "1");
        settings.put("transaction.state.log.num.partitions", "4");
        settings.put("share.coordinator.state.topic.replication.factor", "1");
        settings.put("share.coordinator.state.topic.min.isr", "1");
        settings.put("group.initial.rebalance.delay.ms", "0");
        return settings;
    }

    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
    }

    /**
     * Runs a broker until the process is asked to end. Arguments: port, folder, and then settings, {@code name=value}; those that Kafka
     * wants as system properties become that.
     */
    public static void main(String[] arguments) throws Exception {
        ToolLog.start();
        var more = Arrays.stream(arguments)
                .skip(2)
                .map(setting -> setting.split("=", 2))
                .collect(Collectors.toMap(setting -> setting[0], setting -> setting[1]));
        more.forEach((name, value) -> {
            if (name.startsWith("org.apache.kafka.")) System.setProperty(name, value);
        });
        var broker = start(Integer.parseInt(arguments[0]), Path.of(arguments[1]), more);
        Runtime.getRuntime().addShutdownHook(new Thread(broker::close, "kafka-close"));
        new CountDownLatch(1).await();
    }

    /** The folder's cluster id. */
    static String clusterId(Path folder) throws IOException {
        var properties = new java.util.Properties();
        try (var reader = Files.newBufferedReader(folder.resolve("meta.properties"))) {
            properties.load(reader);
        }
        return properties.getProperty("cluster.id");
    }
}

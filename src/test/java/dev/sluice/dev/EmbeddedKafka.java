package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/** A Kafka broker in a JVM of its own, so that it can be frozen, killed and started again on the same folder; used by one thread. */
public final class EmbeddedKafka implements AutoCloseable {
    /** The Kafka topics of the gateway's default configuration; the broker creates none by itself. */
    public static final List<NewTopic> TOPICS = List.of(
            new NewTopic("fleet.telemetry", 4, (short) 1),
            new NewTopic("sluice.downlink", 4, (short) 1),
            new NewTopic("sluice.dead-letter", 1, (short) 1));

    /** What the build gives short-lived JVMs; a broker that serves more than a test is better off without. */
    private static final List<String> JVM_OPTIONS = Stream.of(
                    System.getProperty("jvm.speed", "").split(" "))
            .filter(option -> !option.isEmpty())
            .toList();

    private static final Duration START_TIME = Duration.ofSeconds(120);
    private static final ServerProcess.Ending ENDING = new ServerProcess.Ending("TERM", Duration.ofSeconds(20));
    private static final ServerProcess.Ending TRAINED = new ServerProcess.Ending("TERM", Duration.ofSeconds(300));

    private final int port;
    private final ServerProcess process;

    private EmbeddedKafka(int port, ServerProcess process) {
        this.port = port;
        this.process = process;
    }

    /** Starts a broker on {@code dataDir/kafka} with the topics of {@link #TOPICS}; returns when it serves. */
    public static EmbeddedKafka start(int port, Path dataDir) {
        return start(port, dataDir, Map.of());
    }

    /** The same with more settings of the broker; listeners are added to the one at the port. */
    public static EmbeddedKafka start(int port, Path dataDir, Map<String, String> more) {
        return launch(port, dataDir, more).awaitTopics(dataDir);
    }

    /** Starts one node of several, as the settings say; returns at once, as it serves when most of them are there. */
    public static EmbeddedKafka launch(int port, Path dataDir, Map<String, String> more) {
        return AotCache.isWanted()
                ? launch(port, dataDir, more, AotCache.options(KafkaCache.made()), KafkaCache.environment(), ENDING)
                : launch(port, dataDir, more, List.of(), ToolClasspath.environment(), ENDING);
    }

    /** Starts a broker and ends it; it has time for what the options have it do at its end. */
    static void train(int port, Path dataDir, List<String> options) {
        launch(port, dataDir, Map.of(), options, KafkaCache.environment(), TRAINED)
                .awaitTopics(dataDir)
                .close();
    }

    private static EmbeddedKafka launch(
            int port,
            Path dataDir,
            Map<String, String> more,
            List<String> options,
            Map<String, String> environment,
            ServerProcess.Ending ending) {
        DataFolder.create(dataDir);
        var log = dataDir.resolve("kafka.log");
        var command =
                new ArrayList<>(List.of(ToolClasspath.java(), "-Xmx512m", "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(JVM_OPTIONS);
        command.addAll(options);
        command.addAll(List.of(
                KafkaBroker.class.getName(),
                Integer.toString(port),
                dataDir.resolve("kafka").toString()));
        more.forEach((name, value) -> command.add(name + "=" + value));
        return new EmbeddedKafka(port, ServerProcess.start("Kafka", command, environment, ending, log));
    }

    private EmbeddedKafka awaitTopics(Path dataDir) {
        try {
            createTopics(TOPICS);
            return this;
        } catch (Complaint complaint) {
            close();
            var log = dataDir.resolve("kafka.log");
            throw new Complaint(
                    complaint.getMessage() + " Its log is " + log + ":\n" + ServerProcess.tail(log, 8), complaint);
        }
    }

    public String bootstrap() {
        return "127.0.0.1:" + port;
    }

    public ServerProcess process() {
        return process;
    }

    /** Creates the topics that are absent; waits for the broker if it is still starting. */
    public void createTopics(List<NewTopic> topics) {
        try (var admin = Admin.create(
                Map.of("bootstrap.servers", bootstrap(), "default.api.timeout.ms", (int) START_TIME.toMillis()))) {
            var absent = new ArrayList<>(topics);
            var present = awaitTopics(admin);
            absent.removeIf(topic -> present.contains(topic.name()));
            admin.createTopics(absent).all().get(START_TIME.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new Complaint("Kafka on " + bootstrap() + " did not create its topics: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Complaint("interrupted while Kafka was starting", e);
        }
    }

    private Set<String> awaitTopics(Admin admin) throws InterruptedException, ExecutionException {
        var answer = admin.listTopics().names();
        var deadline = System.nanoTime() + START_TIME.toNanos();
        while (System.nanoTime() < deadline) {
            try {
                return answer.get(100, TimeUnit.MILLISECONDS);
            } catch (TimeoutException _) {
                if (!process.isAlive()) {
                    throw new Complaint("Kafka ended while it was starting, with status " + process.exitStatus() + ".");
                }
            }
        }
        throw new Complaint("Kafka did not answer on " + bootstrap() + " within " + START_TIME.toSeconds() + " s.");
    }

    @Override
    public void close() {
        process.close();
    }
}

package dev.sluice.fault;

import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.dev.EmbeddedPostgresServer;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.dev.Settings;
import dev.sluice.support.Gateway;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.apache.kafka.clients.admin.NewTopic;

/** Kafka, PostgreSQL and the packaged gateway as processes of their own on ports of their own; used by the test's thread. */
final class Servers implements Deployment, AutoCloseable {
    static final String KAFKA_TOPIC = "fleet.telemetry";

    /** For gateways of tests, which have little time to get fast. */
    static final List<String> FAST_START =
            List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", Gateway.UNHURRIED, Gateway.FEW_PARTITIONS);

    private final Settings settings;
    private final HttpClient http = HttpClient.newHttpClient();
    private EmbeddedKafka kafka;
    private KafkaCluster cluster;
    private EmbeddedPostgresServer postgres;
    private GatewayProcess gateway;

    private Servers(Settings settings) {
        this.settings = settings;
    }

    /** Starts all three; the folder is emptied first. */
    static Servers start(String name, String... javaOptions) {
        var servers = new Servers(settings(folder(name), Optional.empty(), Optional.empty(), javaOptions));
        return servers.start(servers::startKafka);
    }

    /** Starts what a gateway needs; those that {@link #serve} starts one after the other have these options. */
    static Servers startBelow(String name, String... javaOptions) {
        var servers = new Servers(settings(folder(name), Optional.empty(), Optional.empty(), javaOptions));
        return servers.startBelow(servers::startKafka);
    }

    /** Starts Kafka and the gateway; PostgreSQL is at that URL already. */
    static Servers startOn(String postgres, String name, String... javaOptions) {
        var servers = new Servers(settings(folder(name), Optional.empty(), Optional.of(postgres), javaOptions));
        return servers.start(servers::startKafka);
    }

    /** Starts all three, with a Kafka of several nodes, which has these topics. */
    static Servers startWithCluster(String name, List<NewTopic> topics, String... javaOptions) {
        var folder = folder(name);
        var cluster = new KafkaCluster(folder);
        var servers = new Servers(settings(folder, Optional.of(cluster.bootstrap()), Optional.empty(), javaOptions));
        servers.cluster = cluster;
        return servers.start(() -> cluster.start(topics));
    }

    private static Settings settings(
            Path folder, Optional<String> kafka, Optional<String> postgres, String... javaOptions) {
        var options = new ArrayList<>(FAST_START);
        options.add("-Dsluice.node.id=fault");
        options.addAll(List.of(javaOptions));
        if (postgres.isPresent()) options.add("-Dquarkus.datasource.username=" + EmbeddedPostgresServer.USER);
        return new Settings(Ports.free(), Ports.free(), Ports.free(), folder, kafka, postgres, options);
    }

    private Servers start(Runnable startKafka) {
        startBelow(startKafka);
        return begun(() -> {
            startGateway();
            gateway.awaitReady();
        });
    }

    private Servers startBelow(Runnable startKafka) {
        Gateway.rest();
        return begun(() -> {
            var kafkaStart = CompletableFuture.runAsync(startKafka);
            if (settings.foreignPostgres().isEmpty()) startPostgres();
            kafkaStart.join();
        });
    }

    /** With what has been started so far ended if this fails. */
    private Servers begun(Runnable part) {
        try {
            part.run();
            return this;
        } catch (RuntimeException failed) {
            close();
            throw failed;
        }
    }

    /** An empty folder of that name. */
    static Path folder(String name) {
        var folder = Path.of("target", "fault", name).toAbsolutePath();
        clear(folder);
        return folder;
    }

    private static void clear(Path folder) {
        try {
            if (Files.exists(folder)) {
                try (var files = Files.walk(folder, new FileVisitOption[0])) {
                    for (var file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
                }
            }
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void startKafka() {
        kafka = EmbeddedKafka.start(settings.kafkaPort(), settings.data());
    }

    void startPostgres() {
        postgres = EmbeddedPostgresServer.start(settings.postgresPort(), settings.data());
    }

    /** Starts a gateway on the same port; it may not be ready yet. */
    void startGateway() {
        gateway = GatewayProcess.start(settings);
    }

    /** The same with other options, which go before those of the first start. */
    void startGateway(String... javaOptions) {
        gateway = GatewayProcess.start(settings.withOptions(List.of(javaOptions)));
    }

    /** Starts a gateway with more options, in place of one that runs: another test's, which has nothing more to say. Returns when it is ready. */
    void serve(String... javaOptions) {
        if (gateway != null) gateway.process().kill();
        startGateway(javaOptions);
        gateway.awaitReady();
    }

    /** Settings for one more gateway on the same PostgreSQL, with more options, for which there is no Kafka. */
    Settings settingsWithoutKafka(String... javaOptions) {
        var port = Ports.free();
        var data = settings.data().resolve("another");
        try {
            Files.createDirectories(data);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var options = new ArrayList<>(settings.javaOptions());
        options.add("-Dsluice.node.id=away");
        options.addAll(List.of(javaOptions));
        var nobody = Ports.free();
        return new Settings(port, nobody, settings.postgresPort(), data, Optional.empty(), Optional.empty(), options);
    }

    /** Settings for one more gateway on the same servers, which has a name of its own and keeps its files in a folder of that name. */
    Settings settingsOfAnother(String name) {
        var data = settings.data().resolve(name);
        try {
            Files.createDirectories(data);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var options = new ArrayList<>(settings.javaOptions());
        options.add("-Dsluice.node.id=" + name);
        options.add("-Dquarkus.datasource.username=" + EmbeddedPostgresServer.USER);
        return new Settings(
                Ports.free(),
                settings.kafkaPort(),
                settings.postgresPort(),
                data,
                Optional.of(settings.kafka()),
                Optional.of(settings.postgres()),
                options);
    }

    EmbeddedKafka kafka() {
        return kafka;
    }

    KafkaCluster cluster() {
        return cluster;
    }

    EmbeddedPostgresServer postgres() {
        return postgres;
    }

    GatewayProcess gateway() {
        return gateway;
    }

    @Override
    public int port() {
        return settings.port();
    }

    @Override
    public String bootstrap() {
        return settings.kafka();
    }

    @Override
    public String jdbcUrl() {
        return settings.postgres();
    }

    /** The status of the readiness check, 0 when nobody answers. */
    int readiness() {
        return get("/q/health/ready").map(HttpResponse::statusCode).orElse(0);
    }

    /**
     * Bytes of the gateway's heap that are live, after a full collection that this asks for; 0 for the native executable, which takes
     * no such order: there `-Xmx` is the bound, since it ends when it runs out of memory.
     */
    long liveHeap() {
        if (GatewayProcess.isExecutable()) return 0;
        try {
            var jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
            new ProcessBuilder(jcmd, Long.toString(gateway.process().pid()), "GC.run")
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return (long) metric("jvm_memory_used_bytes{area=\"heap\"");
    }

    /**
     * The live heap without most of the messages that are under way for a moment: the least of some looks, of which there are more as long as
     * it is above a bound. What is kept for good is seen by all of them.
     */
    long leastHeap(long bound) {
        var least = LongStream.generate(this::liveHeap).limit(3).min().orElseThrow();
        for (int i = 0; i < 20 && least >= bound; i++) least = Math.min(least, liveHeap());
        return least;
    }

    /** Bytes of the gateway's process that are in memory. */
    long residentBytes() {
        var status = Path.of("/proc", Long.toString(gateway.process().pid()), "status");
        try (var lines = Files.lines(status)) {
            return 1024
                    * lines.filter(line -> line.startsWith("VmRSS"))
                            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                            .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The sum of the metrics whose line begins like this. */
    @Override
    public double metric(String beginning) {
        return get("/q/metrics")
                .map(HttpResponse::body)
                .orElse("")
                .lines()
                .filter(line -> line.startsWith(beginning))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** The lines of the gateway's log that say this. */
    @Override
    public List<String> logged(String what) {
        try (var lines = Files.lines(settings.data().resolve("gateway.log"))) {
            return lines.filter(line -> line.contains(what)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Optional<HttpResponse<String>> get(String path) {
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + settings.managementPort() + path))
                .timeout(Duration.ofSeconds(5))
                .build();
        try {
            return Optional.of(http.send(request, HttpResponse.BodyHandlers.ofString()));
        } catch (IOException _) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        // Nobody wants what they would write at a calm end.
        if (gateway != null) gateway.process().kill();
        if (kafka != null) kafka.process().kill();
        if (cluster != null) cluster.close();
        if (postgres != null) postgres.close();
        http.close();
    }
}

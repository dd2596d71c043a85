package dev.sluice.support;

import dev.sluice.dev.Backends;
import dev.sluice.dev.EmbeddedPostgresServer;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.dev.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.IntConsumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.awaitility.Awaitility;

/**
 * The packaged gateway as a process of its own with a real Kafka and a real PostgreSQL, configured by
 * {@code conformance/gateway.properties}; one for the whole JVM, stopped with it. Any thread may use it.
 */
public final class Gateway {
    /** The Kafka topic that the gateway is started without. */
    public static final String LATE_TOPIC = "wire.late";

    /** The Kafka topic of what cannot have its record. */
    public static final String DEAD_LETTERS = "wire.dead-letter";

    /** Of the Kafka topic that takes small records only. */
    public static final int SMALL_RECORD = 2000;

    /** What the routes of {@code conformance/gateway.properties} lead to, but for {@link #LATE_TOPIC}. */
    public static final List<NewTopic> TOPICS = List.of(
            new NewTopic("wire.telemetry", 1, (short) 1),
            new NewTopic("wire.copy", 1, (short) 1),
            new NewTopic("wire.talk", 1, (short) 1),
            new NewTopic("wire.commands", 1, (short) 1),
            new NewTopic("wire.undeliverable", 1, (short) 1),
            new NewTopic("wire.device.d1", 1, (short) 1),
            new NewTopic("wire.events", 1, (short) 1),
            new NewTopic("wire.a_b", 1, (short) 1),
            new NewTopic("wire.parts", 5, (short) 1),
            new NewTopic("wire.letters", 1, (short) 1),
            new NewTopic(DEAD_LETTERS, 1, (short) 1).configs(Map.of("max.message.bytes", "20000")),
            new NewTopic("wire.small", 1, (short) 1)
                    .configs(Map.of("max.message.bytes", Integer.toString(SMALL_RECORD))));

    /** A machine that stands still for some seconds is no overload: each test that connects just then would be refused. */
    public static final String UNHURRIED = "-Dsluice.limits.overload-loop-delay=0s";

    /** Room for some gateways at the same time: the usual number would be most of what a Kafka of tests has to make and to open. */
    public static final String FEW_PARTITIONS = "-Dsluice.relay.partitions=16";

    private static final List<String> JAVA_OPTIONS = List.of(
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseCompactObjectHeaders",
            UNHURRIED,
            FEW_PARTITIONS);

    /** Of HTTP/1.1, in which it asks again by itself when the gateway has just closed a connection that was idle. */
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private static Gateway running;
    private static RuntimeException startFailure;

    private final Settings settings;
    private final Backends backends;
    private final Thread atExit = new Thread(this::stop);
    private final GatewayProcess process;
    private final HttpResponse<String> readinessWithoutTopic;

    private Gateway(Settings settings, Backends backends) {
        this.settings = settings;
        this.backends = backends;
        Runtime.getRuntime().addShutdownHook(atExit);
        createTopics(settings.kafka(), TOPICS.toArray(NewTopic[]::new));
        this.process = GatewayProcess.start(settings);
        readinessWithoutTopic = Awaitility.await("the missing Kafka topic on the readiness check")
                .atMost(Duration.ofSeconds(90))
                .ignoreExceptions()
                .until(() -> get("/q/health/ready"), answer -> answer.body().contains(LATE_TOPIC));
        createTopics(bootstrap(), new NewTopic(LATE_TOPIC, 1, (short) 1));
        process.awaitReady();
    }

    /** A start that fails is not tried again by each test class: its servers are there until the JVM ends. */
    public static synchronized Gateway shared() {
        if (startFailure != null) throw new IllegalStateException("the shared gateway did not start", startFailure);
        try {
            if (running == null) running = start();
        } catch (RuntimeException failed) {
            startFailure = failed;
            throw failed;
        }
        return running;
    }

    private static Gateway start() {
        try {
            var data = Files.createTempDirectory("sluice-wire");
            var options = new ArrayList<>(JAVA_OPTIONS);
            var config = Path.of(
                    Gateway.class.getResource("/conformance/gateway.properties").getPath());
            options.add("-Dsmallrye.config.locations=" + config);
            var settings = new Settings(
                    Ports.free(), Ports.free(), Ports.free(), data, Optional.empty(), Optional.empty(), options);
            return new Gateway(settings, Backends.start(settings));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Ends the shared gateway and its servers until somebody asks for them again: while tests have servers of their own, they would take a tenth
     * of a core.
     */
    public static synchronized void rest() {
        if (running == null) return;
        Runtime.getRuntime().removeShutdownHook(running.atExit);
        running.stop();
        running = null;
    }

    private void stop() {
        if (process != null) process.process().kill();
        backends.kill();
        try (var files = Files.walk(settings.data())) {
            for (var file : files.sorted(java.util.Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static void createTopics(String bootstrap, NewTopic... topics) {
        try (var admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(List.of(topics)).all().get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    public int port() {
        return settings.port();
    }

    public String bootstrap() {
        return settings.kafka();
    }

    public long pid() {
        return process.process().pid();
    }

    /** The lines of its log so far. */
    public List<String> log() {
        try {
            return Files.readAllLines(settings.data().resolve("gateway.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the readiness check said while {@link #LATE_TOPIC} was missing. */
    public HttpResponse<String> readinessWithoutTopic() {
        return readinessWithoutTopic;
    }

    /** One more gateway on the same servers, with more JVM options, ready; {@code port} is told its port. */
    public GatewayProcess startAnother(IntConsumer port, String... more) {
        var another = settingsOfAnother(more);
        port.accept(another.port());
        var started = GatewayProcess.start(another);
        started.awaitReady();
        return started;
    }

    /** An option that gives one more gateway a database of its own: on the same one, any gateway may publish another's wills. */
    public String databaseOfItsOwn() {
        var name = "own_" + Ports.free();
        execute("CREATE DATABASE " + name);
        return "-Dquarkus.datasource.jdbc.url=" + EmbeddedPostgresServer.jdbcUrl(settings.postgresPort(), name);
    }

    /** Keeps the downlink of the shared gateway whole: in its group another one would hold partitions, for 45 s after its end. */
    private static List<String> groupOfItsOwn(int port) {
        return List.of(
                "-Dsluice.downlink.group=another-" + port, "-Dsluice.downlink.consumer.\"auto.offset.reset\"=latest");
    }

    /** Settings for one more gateway on the same servers, with more JVM options. */
    public Settings settingsOfAnother(String... more) {
        try {
            var data = Files.createTempDirectory(settings.data(), "another");
            var port = Ports.free();
            var options = new ArrayList<>(settings.javaOptions());
            options.add("-Dquarkus.datasource.username=sluice");
            options.add("-Dsluice.node.id=node-" + port);
            options.addAll(groupOfItsOwn(port));
            options.addAll(List.of(more));
            return new Settings(
                    port,
                    settings.kafkaPort(),
                    settings.postgresPort(),
                    data,
                    Optional.of(settings.kafka()),
                    Optional.of(settings.postgres()),
                    options);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public HttpResponse<String> get(String path) {
        return get(port(), path);
    }

    /** Asks any gateway on this machine, at the port that answers on this path. */
    public static HttpResponse<String> get(int port, String path) {
        var answering = path.startsWith("/q/") ? GatewayProcess.managementPort(port) : port;
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + answering + path))
                .timeout(Duration.ofSeconds(10))
                .build();
        try {
            return HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Sends a request with a body of JSON, or none, to any gateway on this machine; headers are name, value, name, value. */
    public static HttpResponse<String> send(int port, String method, String path, String json, String... headers) {
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(60))
                .method(method, json == null ? BodyPublishers.noBody() : BodyPublishers.ofString(json));
        // The gateway ends idle connections soon, and a PUT that meets the end of one is not sent again.
        request.header("Connection", "close");
        if (json != null) request.setHeader("Content-Type", "application/json");
        for (int i = 0; i < headers.length; i += 2) request.setHeader(headers[i], headers[i + 1]);
        try {
            return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Runs a statement as an operator would. */
    public void execute(String sql) {
        try (Connection connection = DriverManager.getConnection(settings.postgres(), "sluice", "");
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The sum of the metrics of this name whose labels contain all of these; 0 if there is none. */
    public double metric(String name, String... labels) {
        return metric(port(), name, labels);
    }

    /** The same of any gateway on this machine. */
    public static double metric(int port, String name, String... labels) {
        return get(port, "/q/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .filter(line -> List.of(labels).stream().allMatch(line::contains))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** A connection to its PostgreSQL. */
    public Connection postgres() throws SQLException {
        return DriverManager.getConnection(settings.postgres(), "sluice", "");
    }

    /** The first column of the first row that a query finds, as text; null when it finds none. */
    public String query(String sql, String parameter) {
        try (var connection = postgres();
                var statement = connection.prepareStatement(sql)) {
            statement.setString(1, parameter);
            var rows = statement.executeQuery();
            return rows.next() ? rows.getString(1) : null;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}

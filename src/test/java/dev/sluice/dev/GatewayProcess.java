package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** The packaged gateway as a process of its own, the jar or the native executable; used by one thread. Warnings and errors go to the terminal, everything to a log file. */
public final class GatewayProcess implements AutoCloseable {
    /** A gateway without memory ends, rather than that it lives and answers nobody. */
    private static final String EXIT = "-XX:+ExitOnOutOfMemoryError";

    private static final String METHODS = "SLUICE_ACCESS_METHODS";
    private static final String HOST = "QUARKUS_HTTP_HOST";

    private static final String EXECUTABLE = "native.image.path";
    private static final Duration START_TIME = Duration.ofSeconds(120);
    private static final ServerProcess.Ending ENDING = new ServerProcess.Ending("TERM", Duration.ofSeconds(15));

    /** Of the gateways that this JVM has started, by the port for devices. */
    private static final Map<Integer, Integer> MANAGEMENT_PORTS = new ConcurrentHashMap<>();

    private final URI health;
    private final Path log;
    private final ServerProcess process;

    private GatewayProcess(URI health, Path log, ServerProcess process) {
        this.health = health;
        this.log = log;
        this.process = process;
    }

    /** Starts the gateway; it may not be ready yet. */
    public static GatewayProcess start(Settings settings) {
        return start(settings, "the gateway", "gateway.log", command(settings.javaOptions()));
    }

    /** Starts one of several under a node id, with a log of its own; it may not be ready yet. */
    public static GatewayProcess start(Settings settings, String nodeId) {
        var named = named(settings, nodeId);
        return start(named, nodeId, nodeId + ".log", command(named.javaOptions()));
    }

    /** The same with the jar of another build. */
    public static GatewayProcess start(Settings settings, String nodeId, Path jar) {
        var named = named(settings, nodeId);
        return start(named, nodeId, nodeId + ".log", command(named.javaOptions(), List.of(), jar));
    }

    private static Settings named(Settings settings, String nodeId) {
        return settings.withOptions(List.of("-Dsluice.node.id=" + nodeId));
    }

    private static GatewayProcess start(Settings settings, String name, String logFile, List<String> command) {
        noteManagementPort(settings);
        var log = settings.data().resolve(logFile);
        var process =
                ServerProcess.start(name, command, environment(settings, log), ENDING, ProcessBuilder.Redirect.INHERIT);
        return new GatewayProcess(
                URI.create("http://127.0.0.1:" + settings.managementPort() + "/q/health/"), log, process);
    }

    /** Its log file. */
    public Path log() {
        return log;
    }

    /** For {@link #managementPort}, of a gateway that is started in another way. */
    public static void noteManagementPort(Settings settings) {
        MANAGEMENT_PORTS.put(settings.port(), settings.managementPort());
    }

    /** Where the gateway that has this port for devices tells of its health. */
    public static int managementPort(int port) {
        return MANAGEMENT_PORTS.get(port);
    }

    /** Whether the build made the native executable, which is then what starts: its profile says where it is. */
    public static boolean isExecutable() {
        return System.getProperty(EXECUTABLE) != null;
    }

    /** The command line of the program of this build, the jar or the executable, to be run with arguments. */
    public static List<String> program(String... arguments) {
        return Stream.concat(command(List.of()).stream(), Stream.of(arguments)).toList();
    }

    /** How the program of this build is started. */
    public static List<String> command(List<String> javaOptions) {
        if (isExecutable()) return executable(javaOptions);
        return command(javaOptions, GatewayCache.options(), GatewayCache.jar());
    }

    private static List<String> command(List<String> javaOptions, List<String> cache, Path jar) {
        var command = new ArrayList<>(List.of(ToolClasspath.java(), EXIT));
        command.addAll(javaOptions);
        command.addAll(cache);
        command.addAll(List.of("-jar", jar.toString()));
        return command;
    }

    /** It knows system properties and the sizes of the heap; of the options of a JVM there are few. */
    private static List<String> executable(List<String> javaOptions) {
        var executable = Path.of(System.getProperty(EXECUTABLE));
        if (!Files.isExecutable(executable))
            throw new Complaint("there is no executable " + executable + "; mvn -Dnative package makes it");
        var options = javaOptions.stream().filter(option -> option.matches("-D.*|-Xm[nsx].*"));
        return Stream.concat(Stream.of(executable.toString(), EXIT), options).toList();
    }

    /** Who may connect, unless the developer has set that: a line for the terminal, empty if there is nothing to say. */
    static String access(Settings settings) {
        if (System.getenv(METHODS) != null || settings.hasOption("sluice.access.methods")) return "";
        return System.lineSeparator() + "whoever reaches it may connect, without a credential (" + METHODS
                + "=anonymous); it listens on " + System.getenv().getOrDefault(HOST, "127.0.0.1 only");
    }

    /** What the developer has set goes before what is set here. */
    private static Map<String, String> environment(Settings settings, Path log) {
        var environment = new HashMap<String, String>();
        environment.put("QUARKUS_BANNER_ENABLED", "false");
        environment.put("QUARKUS_MANAGEMENT_HOST", "127.0.0.1");
        environment.put("QUARKUS_LOG_CONSOLE_LEVEL", "WARN");
        environment.put("QUARKUS_LOG_CONSOLE_JSON_ENABLED", "false");
        environment.put("QUARKUS_LOG_FILE_ENABLED", "true");
        environment.put("QUARKUS_LOG_FILE_JSON_ENABLED", "false");
        environment.put("QUARKUS_LOG_FILE_PATH", log.toString());
        environment.put(METHODS, "anonymous");
        environment.put(HOST, "127.0.0.1");
        if (settings.foreignPostgres().isEmpty()) {
            environment.put("QUARKUS_DATASOURCE_USERNAME", EmbeddedPostgresServer.USER);
        }
        environment.put(
                "SMALLRYE_CONFIG_LOCATIONS",
                System.getenv()
                        .getOrDefault(
                                "SLUICE_CONFIG",
                                ToolClasspath.target()
                                        .resolveSibling("deploy/tour.properties")
                                        .toString()));
        environment.keySet().removeAll(System.getenv().keySet());
        environment.put("QUARKUS_HTTP_PORT", Integer.toString(settings.port()));
        environment.put("QUARKUS_MANAGEMENT_PORT", Integer.toString(settings.managementPort()));
        environment.put(Settings.POSTGRES, settings.postgres());
        environment.put(Settings.KAFKA, settings.kafka());
        return environment;
    }

    /** Waits until a device can connect. */
    public void awaitReady() {
        await("ready");
    }

    /** Waits until it has started, whether or not it reaches its servers. */
    public void awaitLive() {
        await("live");
    }

    private void await(String state) {
        var asked = health.resolve(state);
        var deadline = System.nanoTime() + START_TIME.toNanos();
        var answer = "no answer";
        try (var client = HttpClient.newHttpClient()) {
            var question =
                    HttpRequest.newBuilder(asked).timeout(Duration.ofSeconds(5)).build();
            while (System.nanoTime() < deadline) {
                try {
                    var response = client.send(question, HttpResponse.BodyHandlers.ofString());
                    if (response.statusCode() == 200) {
                        return;
                    }
                    answer = response.body();
                } catch (IOException e) {
                    answer = e.toString();
                }
                if (process.awaitEnd(Duration.ofMillis(50))) {
                    throw new Complaint(process.name() + " ended while it was starting, with status "
                            + process.exitStatus() + "; its log is " + log);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new Complaint(process.name() + " was not " + state + " after " + START_TIME.toSeconds()
                + " s; its log is " + log + ", and " + asked + " says:\n" + answer);
    }

    public ServerProcess process() {
        return process;
    }

    @Override
    public void close() {
        process.close();
    }
}

package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What the environment says about ports, folders and servers that run already; immutable. */
public record Settings(
        int port,
        int managementPort,
        int kafkaPort,
        int postgresPort,
        Path data,
        Optional<String> foreignKafka,
        Optional<String> foreignPostgres,
        List<String> javaOptions) {
    static final String PORT = "SLUICE_PORT";
    static final String TLS_PORT = "SLUICE_TLS_PORT";
    static final String MANAGEMENT_PORT = "SLUICE_MANAGEMENT_PORT";
    static final String KAFKA_PORT = "SLUICE_KAFKA_PORT";
    static final String POSTGRES_PORT = "SLUICE_POSTGRES_PORT";
    static final String DATA = "SLUICE_DATA";
    static final String KAFKA = "KAFKA_BOOTSTRAP_SERVERS";
    static final String POSTGRES = "QUARKUS_DATASOURCE_JDBC_URL";

    /** With any free port for health and metrics. */
    public Settings(
            int port,
            int kafkaPort,
            int postgresPort,
            Path data,
            Optional<String> foreignKafka,
            Optional<String> foreignPostgres,
            List<String> javaOptions) {
        this(port, Ports.free(), kafkaPort, postgresPort, data, foreignKafka, foreignPostgres, javaOptions);
    }

    public static Settings of(Map<String, String> environment) {
        return new Settings(
                port(environment, PORT, 8080),
                port(environment, MANAGEMENT_PORT, 9000),
                port(environment, KAFKA_PORT, 9092),
                port(environment, POSTGRES_PORT, 5432),
                Path.of(environment.getOrDefault(DATA, ".sluice")).toAbsolutePath(),
                given(environment, KAFKA),
                given(environment, POSTGRES),
                given(environment, "SLUICE_JAVA_OPTS")
                        .map(options -> List.of(options.strip().split("\\s+")))
                        .orElse(List.of()));
    }

    private static Optional<String> given(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name)).filter(value -> !value.isBlank());
    }

    static int port(Map<String, String> environment, String name, int standard) {
        var text = given(environment, name).orElse(Integer.toString(standard));
        if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > 65535) {
            throw new Complaint(name + " is '" + text + "'; it has to be a port number between 1 and 65535.");
        }
        return Integer.parseInt(text);
    }

    public String kafka() {
        return foreignKafka.orElse("127.0.0.1:" + kafkaPort);
    }

    /** The same with another Kafka. */
    public Settings withKafka(String bootstrap) {
        return new Settings(
                port,
                managementPort,
                kafkaPort,
                postgresPort,
                data,
                Optional.of(bootstrap),
                foreignPostgres,
                javaOptions);
    }

    /** The same with another PostgreSQL. */
    public Settings withPostgres(String url) {
        return new Settings(
                port, managementPort, kafkaPort, postgresPort, data, foreignKafka, Optional.of(url), javaOptions);
    }

    /** The same with other ports of the gateway. */
    public Settings withPorts(int devices, int management) {
        return new Settings(
                devices, management, kafkaPort, postgresPort, data, foreignKafka, foreignPostgres, javaOptions);
    }

    /** The same with more options for the gateway's JVM. */
    public Settings withOptions(List<String> more) {
        return new Settings(
                port,
                managementPort,
                kafkaPort,
                postgresPort,
                data,
                foreignKafka,
                foreignPostgres,
                Stream.concat(javaOptions.stream(), more.stream()).toList());
    }

    boolean hasOption(String key) {
        return javaOptions.stream().anyMatch(option -> option.startsWith("-D" + key + "="));
    }

    public String postgres() {
        return foreignPostgres.orElse(EmbeddedPostgresServer.jdbcUrl(postgresPort, "sluice"));
    }

    public String mqtt() {
        return "ws://127.0.0.1:" + port + "/mqtt";
    }

    /** Refuses a port that somebody else listens on. */
    static void requireFree(int port, String what, String variable) {
        if (!Ports.isFree(port)) {
            throw new Complaint("port " + port + ", meant for " + what + ", is taken: stop what listens there, or set "
                    + variable + " to another port.");
        }
    }
}

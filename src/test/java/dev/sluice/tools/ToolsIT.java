package dev.sluice.tools;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.support.GuardedKafka;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged program as a tool: from an empty folder, with a Kafka that asks for TLS and SCRAM. */
class ToolsIT {
    private static final List<String> JAVA_OPTIONS = List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

    @TempDir
    private static Path servers;

    @TempDir
    private Path folder;

    private static GuardedKafka kafka;

    @BeforeAll
    static void start() {
        kafka = GuardedKafka.start(servers);
        kafka.allowAll();
        kafka.password("right");
        var config = Map.<String, Object>of("bootstrap.servers", kafka.bootstrap());
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            var record = new ProducerRecord<>("fleet.telemetry", 0, "d1".getBytes(UTF_8), "21.5".getBytes(UTF_8));
            record.headers().add("mqtt-client-id", "d1".getBytes(UTF_8)).add("mqtt-seq", "1/1".getBytes(UTF_8));
            producer.send(record);
        }
    }

    @AfterAll
    static void stop() {
        if (kafka != null) kafka.close();
    }

    private record Said(int status, String out, String errors) {}

    /** Runs the program to its end. */
    private Said run(Map<String, String> environment, String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(GatewayProcess.command(JAVA_OPTIONS));
        command.addAll(List.of(arguments));
        var out = folder.resolve("out");
        var errors = folder.resolve("errors");
        var builder = new ProcessBuilder(command)
                .directory(Files.createDirectories(folder.resolve("empty")).toFile())
                .redirectOutput(out.toFile())
                .redirectError(errors.toFile());
        builder.environment().putAll(environment);
        var process = builder.start();
        if (!process.waitFor(60, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
        return new Said(process.exitValue(), Files.readString(out), Files.readString(errors));
    }

    /** What leads a gateway to the Kafka, as its properties. */
    private static Map<String, String> keys(String password) {
        var keys = kafka.options(password).stream()
                .map(option -> option.substring("-D".length()).split("=", 2))
                .collect(Collectors.toMap(option -> option[0], option -> option[1]));
        keys.put("kafka.bootstrap.servers", kafka.securedBootstrap());
        return keys;
    }

    private static Map<String, String> environment(String password) {
        return keys(password).entrySet().stream()
                .collect(Collectors.toMap(
                        key -> key.getKey().toUpperCase(java.util.Locale.ROOT).replace('.', '_'), Map.Entry::getValue));
    }

    private Path file(Map<String, String> keys) throws IOException {
        var lines = keys.entrySet().stream().map(key -> key.getKey() + "=" + key.getValue());
        return Files.writeString(folder.resolve("gateway.properties"), lines.collect(Collectors.joining("\n")));
    }

    @Test
    void saysWhatItIsAndWhatItTakes() throws Exception {
        assertThat(run(Map.of(), "--version")).satisfies(said -> {
            assertThat(said.out).matches("sluice [0-9]\\S+\n");
            assertThat(said.status).isZero();
        });
        assertThat(run(Map.of(), "--help").out).contains("Usage: sluice [COMMAND]", "audit ", "tail ", "health ");
        assertThat(run(Map.of(), "audit", "--help").out)
                .contains("Usage: sluice audit", "KAFKA_TOPIC", "--bootstrap", "--since", "\n  gaps ");
        assertThat(run(Map.of(), "fly")).satisfies(said -> {
            assertThat(said.errors).startsWith("sluice: ").contains("'fly'");
            assertThat(said.out).isEmpty();
            assertThat(said.status).isEqualTo(2);
        });
    }

    @Test
    void healthAsksTheGatewayOfThisMachine() throws Exception {
        var port = Integer.toString(Ports.free());
        var said = run(Map.of("QUARKUS_MANAGEMENT_PORT", port), "health");
        assertThat(said.out).contains("127.0.0.1:" + port);
        assertThat(said.status).isEqualTo(1);
    }

    private static void assertClean(Said said) {
        assertThat(said)
                .isEqualTo(new Said(
                        0,
                        "clean: 1 clients in fleet.telemetry: records 1  epochs 1  gaps 0  repeats 0  disorder 0\n",
                        ""));
    }

    @Test
    void auditsAGuardedKafkaAsTheGatewayIsLedToIt() throws Exception {
        assertClean(run(environment("right"), "audit", "fleet.telemetry"));
        var file = file(keys("right")).toString();
        assertClean(run(Map.of(), "audit", "fleet.telemetry", "--config", file));
        assertClean(run(Map.of("SMALLRYE_CONFIG_LOCATIONS", file), "audit", "fleet.telemetry"));
        var wrong = run(environment("wrong"), "audit", "fleet.telemetry");
        assertThat(wrong.errors).startsWith("sluice: Kafka: ").contains("invalid credentials");
        assertThat(wrong.errors.lines()).hasSize(1);
        assertThat(wrong.status).isEqualTo(1);
    }

    @Test
    void tailPrintsTheRecords() throws Exception {
        var command = new ArrayList<>(GatewayProcess.command(JAVA_OPTIONS));
        command.addAll(List.of("tail", "--from-beginning", "--bootstrap", kafka.bootstrap()));
        var errors = folder.resolve("errors");
        var tail = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectError(errors.toFile())
                .start();
        try (var lines = tail.inputReader()) {
            assertThat(lines.readLine()).isEqualTo("0@0  d1  mqtt-client-id=d1 mqtt-seq=1/1  21.5");
        } finally {
            tail.destroy();
        }
        assertThat(tail.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(errors).isEmptyFile();
    }
}

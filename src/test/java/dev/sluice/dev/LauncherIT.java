package dev.sluice.dev;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher as a developer uses it: its own processes, free ports, a data folder of its own. */
class LauncherIT {
    private static final Duration START = Duration.ofMinutes(3);
    private static final Duration STOP = Duration.ofSeconds(40);

    @TempDir
    Path folder;

    private final int port = freeWithNext(3);
    private final int managementPort = freeWithNext(3);
    private final int kafkaPort = Ports.free();
    private final int postgresPort = Ports.free();
    private final List<Process> started = new ArrayList<>();
    /** The last one that was started. */
    private Process launcher;

    /** A free port before some that are free, too. */
    private static int freeWithNext(int more) {
        return IntStream.generate(Ports::free)
                .filter(first -> IntStream.rangeClosed(first + 1, first + more).allMatch(Ports::isFree))
                .findFirst()
                .orElseThrow();
    }

    @AfterEach
    void endLaunchers() {
        started.forEach(Process::destroyForcibly);
    }

    private void start(ProcessBuilder builder) throws IOException {
        launcher = builder.start();
        started.add(launcher);
    }

    @Test
    void refusesWhatItDoesNotUnderstand() throws Exception {
        assertThat(say("fly")).contains("there is no command 'fly'");
        assertThat(launcher.exitValue()).isEqualTo(2);
        assertThat(say("run", "now"))
                .isEqualTo(
                        "sluice: 'run' takes --secure, or --gateways and a number, and nothing else, but got 'now'.\n");
        assertThat(say("run", "--gateways", "11"))
                .isEqualTo("sluice: --gateways needs a whole number from 1 to 10, but got 11.\n");
        assertThat(say("demo", "--devices", "none"))
                .isEqualTo("sluice: --devices needs a whole number from 1 to 20000, but got none.\n");
        assertThat(launcher.exitValue()).isEqualTo(1);
        assertThat(say("audit")).startsWith("sluice: Missing required parameter: 'KAFKA_TOPIC'");
        assertThat(launcher.exitValue()).isEqualTo(2);
    }

    /** The real scanner asks over the network. Without one, Maven writes no SBOM. */
    @Test
    void looksUpWhatIsInTheJar() throws Exception {
        var scanner = folder.resolve("osv-scanner");
        Files.writeString(
                scanner,
                "#!/bin/sh\necho \"$@\"\ngrep -o 'pkg:maven/org.apache.kafka/kafka-clients@[0-9]*' \"$4\" | head -n 1\nexit 1\n");
        assertThat(scanner.toFile().setExecutable(true)).isTrue();
        var builder = builder("vulnerabilities");
        builder.environment().merge("PATH", folder.toString(), (path, own) -> own + ":" + path);
        start(builder);
        assertThat(launcher.waitFor()).isEqualTo(1);
        var found = "scan source -L target/sluice.cdx.json\npkg:maven/org.apache.kafka/kafka-clients@4\n";
        var nothing = "sluice: there is no target/sluice.cdx.json: Maven makes it only with a network."
                + " Remove target, and call this again.\n";
        assertThat(read()).isEqualTo(Files.exists(Path.of("target/sluice.cdx.json")) ? found : nothing);
    }

    @Test
    void namesAPortThatIsTakenBeforeAnythingStarts() throws Exception {
        try (var _ = new ServerSocket(kafkaPort, 1, InetAddress.getLoopbackAddress())) {
            assertThat(say("run"))
                    .isEqualTo(
                            "sluice: port " + kafkaPort + ", meant for Kafka, is taken: stop what listens there, or set"
                                    + " SLUICE_KAFKA_PORT to another port.\n");
        }
        assertThat(launcher.exitValue()).isEqualTo(1);
        assertThat(folder.resolve("data")).doesNotExist();
    }

    @Test
    void sigtermEndsEveryProcessAndTheDataStayAndAreAudited() throws Exception {
        startServers("run");
        var processes = awaitReady();
        assertThat(Files.readString(output()))
                .containsPattern("ready in [0-9.]+ s  mqtt ws://127.0.0.1:" + port + "/mqtt  kafka 127.0.0.1:"
                        + kafkaPort + "  postgres jdbc:postgresql://127.0.0.1:" + postgresPort + "/sluice\n");
        var clusterId = KafkaBroker.clusterId(folder.resolve("data/kafka"));
        launcher.destroy();
        awaitGone(processes);

        startServers("backends");
        processes = awaitReady();
        assertThat(KafkaBroker.clusterId(folder.resolve("data/kafka"))).isEqualTo(clusterId);
        var backends = launcher;
        assertAuditSaysWhatRecordsProve();
        backends.destroyForcibly(); // the servers notice by themselves
        awaitGone(processes);
    }

    private void assertAuditSaysWhatRecordsProve() throws Exception {
        produce("a", "1/1", "1/2");
        assertThat(say("audit", "fleet.telemetry"))
                .isEqualTo("clean: 1 clients in fleet.telemetry: records 2  epochs 1  gaps 0  repeats 0  disorder 0\n");
        assertThat(launcher.exitValue()).isZero();
        produce("b", "2/1", "2/4");
        assertThat(say("audit", "fleet.telemetry", "sluice.dead-letter")).isEqualTo("""
                b  records 2  epochs 1  gaps 2  repeats 0  disorder 0
                  missing: 2/2 to 3 of fleet.telemetry
                NOT CLEAN: 2 clients in fleet.telemetry, sluice.dead-letter: records 4  epochs 2  gaps 2  repeats 0  disorder 0
                """);
        assertThat(launcher.exitValue()).isEqualTo(1);
        assertThat(say("audit", "--json", "--all", "--client", "a", "fleet.telemetry"))
                .isEqualTo("""
                {"client":"a","records":2,"epochs":1,"gaps":0,"repeats":0,"disorder":0,"mixed":0}
                {"verdict":"clean","doubts":[],"clients":1,"records":2,"epochs":1,"gaps":0,"repeats":0,"disorder":0,"mixed":0}
                """);
        assertThat(launcher.exitValue()).isZero();
        assertThat(say("audit", "--client", "typo", "fleet.telemetry")).isEqualTo("""
                there is no record of client typo: check the client identifier and the Kafka topics
                NOT PROVEN: 0 clients in fleet.telemetry: records 0  epochs 0  gaps 0  repeats 0  disorder 0
                """);
        assertThat(launcher.exitValue()).isEqualTo(1);
        assertThat(say("audit", "--since", "2020-01-01T00:00:00Z", "no.such.topic"))
                .contains("has no topic 'no.such.topic'; it has ");
    }

    private void produce(String clientId, String... seqs) {
        var config = Map.<String, Object>of("bootstrap.servers", "127.0.0.1:" + kafkaPort);
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (var seq : seqs) {
                var record = new ProducerRecord<>("fleet.telemetry", clientId.getBytes(UTF_8), seq.getBytes(UTF_8));
                record.headers()
                        .add("mqtt-client-id", clientId.getBytes(UTF_8))
                        .add("mqtt-message-id", seq.getBytes(UTF_8))
                        .add("mqtt-seq", seq.getBytes(UTF_8));
                producer.send(record);
            }
        }
    }

    /** As that of the last of several does. */
    @Tag("long")
    @Test
    void theGatewaysDeathEndsEverything() throws Exception {
        startServers("run");
        var processes = awaitReady();
        processes.stream().filter(LauncherIT::isGateway).forEach(ProcessHandle::destroyForcibly);
        awaitGone(processes);
        assertThat(launcher.waitFor()).isEqualTo(1);
        assertThat(Files.readString(output())).contains("sluice: the gateway ended by itself with status 137");
    }

    @Test
    void severalGatewaysAreBehindOnePortUntilTheLastHasEnded() throws Exception {
        startServers("run", "--gateways", "2");
        var processes = awaitReady();
        assertThat(read()).contains("mqtt ws://127.0.0.1:" + port + "/mqtt  kafka ");
        for (int i = 1; i <= 2; i++)
            assertThat(read())
                    .contains("gateway-" + i + "  ws://127.0.0.1:" + (port + i)
                            + "/mqtt  health and metrics http://127.0.0.1:" + (managementPort + i) + "/q\n");
        for (int left = 1; left >= 0; left--) {
            WireClient.open(port, ProtocolVersion.V5).close();
            var said = "ended by itself with status 137" + (left == 0 ? ", so " : "; gateways that go on: " + left);
            processes.stream()
                    .filter(LauncherIT::isGateway)
                    .filter(ProcessHandle::isAlive)
                    .findFirst()
                    .ifPresent(ProcessHandle::destroyForcibly);
            await().atMost(STOP).until(() -> read().contains(said));
        }
        awaitGone(processes);
        assertThat(launcher.waitFor()).isEqualTo(1);
    }

    private static boolean isGateway(ProcessHandle process) {
        return process.info().command().orElse("").endsWith("java")
                && process.info().commandLine().orElse("").contains("sluice.jar");
    }

    private List<ProcessHandle> awaitReady() {
        await().atMost(START).until(() -> !launcher.isAlive() || read().contains("ready in"));
        assertThat(read()).contains("ready in");
        var processes = Stream.concat(Stream.of(launcher.toHandle()), launcher.descendants())
                .toList();
        assertThat(processes).hasSizeGreaterThan(6);
        return processes;
    }

    private static void awaitGone(List<ProcessHandle> processes) {
        await().atMost(STOP).until(() -> processes.stream().noneMatch(ProcessHandle::isAlive));
    }

    /** Runs a command that ends by itself, and answers what it said. */
    private String say(String... arguments) throws Exception {
        Files.deleteIfExists(output());
        start(builder(arguments));
        launcher.waitFor();
        return read();
    }

    private void startServers(String... command) throws IOException {
        var builder = builder(command);
        AotCache.hasten(builder);
        start(builder);
    }

    private ProcessBuilder builder(String... arguments) {
        var command = Stream.concat(Stream.of("./sluice"), Stream.of(arguments)).toList();
        var builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.to(output().toFile()));
        builder.environment()
                .putAll(Map.of(
                        "SLUICE_PORT", Integer.toString(port),
                        "SLUICE_MANAGEMENT_PORT", Integer.toString(managementPort),
                        "SLUICE_KAFKA_PORT", Integer.toString(kafkaPort),
                        "SLUICE_POSTGRES_PORT", Integer.toString(postgresPort),
                        "SLUICE_DATA", folder.resolve("data").toString()));
        return builder;
    }

    private Path output() {
        return folder.resolve("output");
    }

    private String read() {
        try {
            return Files.readString(output());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}

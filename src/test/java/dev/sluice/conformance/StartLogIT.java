package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the packaged gateway prints when it starts and nothing is wrong: a few lines of its own, and nothing else; and its last line. */
class StartLogIT {
    private static final String LINE =
            "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d,\\d{3} INFO  \\[(dev\\.sluice\\.[\\w.]+|io\\.quarkus)] \\([^)]+\\) .+";

    /** What SmallRye says when somebody asks whether the gateway is ready before it is: this test does. */
    private static final String ASKED_TOO_SOON = "SRHCK01001";

    @TempDir
    private Path folder;

    /** All output of a gateway that starts, and serves a client and the endpoints; the last line tells of its end. */
    private List<String> start(Map<String, String> environment) throws IOException, InterruptedException {
        // Alone it is ready at once.
        var settings = Gateway.shared().settingsOfAnother(Gateway.shared().databaseOfItsOwn());
        GatewayProcess.noteManagementPort(settings);
        var output = folder.resolve("output");
        var builder = new ProcessBuilder(GatewayProcess.command(settings.javaOptions()))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment()
                .putAll(Map.of(
                        "QUARKUS_HTTP_PORT", Integer.toString(settings.port()),
                        "QUARKUS_MANAGEMENT_PORT", Integer.toString(settings.managementPort()),
                        "SLUICE_ACCESS_METHODS", "anonymous",
                        "QUARKUS_DATASOURCE_JDBC_URL", settings.postgres(),
                        "KAFKA_BOOTSTRAP_SERVERS", settings.kafka()));
        builder.environment().putAll(environment);
        List<String> lines;
        var gateway = builder.start();
        try {
            await().atMost(Duration.ofSeconds(120))
                    .ignoreExceptions()
                    .until(() -> Gateway.get(settings.port(), "/q/health/ready").statusCode() == 200);
            Gateway.get(settings.port(), "/q/metrics");
            Gateway.get(settings.port(), "/admin/routes");
            publish(settings.port());
            lines = Files.readAllLines(output).stream()
                    .filter(line -> !line.contains(ASKED_TOO_SOON))
                    .toList();
        } finally {
            gateway.destroy();
            if (!gateway.waitFor(60, TimeUnit.SECONDS))
                gateway.destroyForcibly().waitFor();
        }
        assertThat(Files.readAllLines(output).getLast()).contains("stopped in");
        return lines;
    }

    private static void publish(int port) {
        try (var client = WireClient.open(port, ProtocolVersion.V5)) {
            Device.connected(client, Device.connect(ProtocolVersion.V5, Device.id("log"), true, Properties.NONE));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/x", "hello"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
    }

    @Test
    void linesForPeople() throws Exception {
        assertThat(start(Map.of())).isNotEmpty().allSatisfy(line -> assertThat(line)
                .matches(LINE));
    }

    @Test
    void linesOfJson() throws Exception {
        var lines = start(Map.of("QUARKUS_LOG_CONSOLE_JSON_ENABLED", "true"));
        assertThat(lines).isNotEmpty();
        var host = InetAddress.getLocalHost().getHostName();
        for (var line : lines) {
            var names = new TreeSet<String>();
            var object = new ObjectMapper().readTree(line);
            object.fieldNames().forEachRemaining(names::add);
            assertThat(names)
                    .isEqualTo(new TreeSet<>(Set.of(
                            "timestamp",
                            "sequence",
                            "level",
                            "loggerName",
                            "threadName",
                            "threadId",
                            "mdc",
                            "message")));
            assertThat(object.get("level").asText()).isEqualTo("INFO");
            assertThat(line).doesNotContain("/bin/java", '"' + host + '"');
        }
    }
}

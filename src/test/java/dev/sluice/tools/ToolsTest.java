package dev.sluice.tools;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What the tools make of their arguments, and how they show what they found. */
class ToolsTest {
    private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

    @TempDir
    private Path folder;

    private static AuditOptions audit(String... arguments) {
        var words = Stream.concat(Stream.of("audit"), Stream.of(arguments)).toArray(String[]::new);
        var asked = Tools.commandLine().parseArgs(words).subcommand().commandSpec();
        return asked.commandLine().<Audit>getCommand().options(NOW);
    }

    private static Map<String, Object> client(String... arguments) {
        var options = new KafkaOptions();
        new CommandLine(options).parseArgs(arguments);
        return options.client();
    }

    /** Picocli makes and fills the commands by reflection, which a native executable has only for these. */
    @Test
    void everyCommandIsRegisteredForReflection() {
        var registered =
                List.of(Tools.class.getAnnotation(RegisterForReflection.class).targets());
        for (var command : Tools.commandLine().getSubcommands().values()) {
            assertThat(registered).contains(command.getCommand().getClass());
            for (var mixin : command.getCommandSpec().mixins().values())
                if (mixin.userObject().getClass().getName().startsWith("dev.sluice"))
                    assertThat(registered).contains(mixin.userObject().getClass());
        }
    }

    @Test
    void auditOptions() {
        assertThat(audit("t")).isEqualTo(AuditOptions.of("t"));
        var options = audit("t", "--client", "a", "--since", "2h", "u", "--all", "--json", "--client", "b");
        assertThat(options.kafkaTopics()).containsExactly("t", "u");
        assertThat(options.clientIds()).containsExactlyInAnyOrder("a", "b");
        assertThat(options.since()).contains(Instant.parse("2026-01-31T10:00:00Z"));
        assertThat(options.all() && options.json() && !options.allowTruncated()).isTrue();
        assertThat(audit("t", "--since", "2d").since()).contains(Instant.parse("2026-01-29T12:00:00Z"));
        assertThatThrownBy(() -> audit("t", "--since", "soon")).hasMessageContaining("but got soon");
    }

    @Test
    void whatIsNotUnderstoodIsNamedAndEndsWithTwo() {
        assertThat(refusal(2, "fly")).contains("'fly'").endsWith("Try: sluice --help\n");
        assertThat(refusal(2, "audit"))
                .startsWith("sluice: Missing required parameter: 'KAFKA_TOPIC'")
                .endsWith("Try: sluice audit --help\n");
        assertThat(refusal(2, "audit", "t", "--fast")).contains("'--fast'");
        assertThat(refusal(2, "audit", "t", "--since", "soon")).contains("but got soon");
        assertThat(refusal(2, "tail", "t", "u")).contains("'u'");
        assertThat(refusal(1, "audit", "t", "--config", "/no/such/file")).isEqualTo("""
                sluice: cannot read /no/such/file: it is not there, or may not be read
                """);
        assertThat(refusal(1, "tail", "--bootstrap", "nowhere")).contains("nowhere");
    }

    private static String refusal(int status, String... arguments) {
        var said = new StringWriter();
        var commandLine = Tools.commandLine().setErr(new PrintWriter(said, true));
        assertThat(commandLine.execute(arguments)).isEqualTo(status);
        return said.toString();
    }

    @Test
    void kafkaIsFoundByTheGatewaysKeysAFileAndAnOption() throws IOException {
        assertThat(client()).isEqualTo(Map.of("bootstrap.servers", "127.0.0.1:9092"));
        var mechanism = System.setProperty("kafka.sasl.mechanism", "PLAIN");
        try {
            assertThat(client("--bootstrap", "k:1"))
                    .isEqualTo(Map.of("bootstrap.servers", "k:1", "sasl.mechanism", "PLAIN"));
            var ofAGateway = write("kafka.sasl.mechanism=SCRAM-SHA-512\nkafka.bootstrap.servers=f:1\nsluice.node.id=n");
            assertThat(client("--config", ofAGateway))
                    .isEqualTo(Map.of("bootstrap.servers", "f:1", "sasl.mechanism", "SCRAM-SHA-512"));
            var ofAClient = write("security.protocol=SSL");
            assertThat(client("--config", ofAClient, "--bootstrap", "k:1"))
                    .isEqualTo(
                            Map.of("bootstrap.servers", "k:1", "sasl.mechanism", "PLAIN", "security.protocol", "SSL"));
        } finally {
            if (mechanism == null) System.clearProperty("kafka.sasl.mechanism");
        }
        var named = write("kafka.tls-configuration-name=mine");
        assertThatThrownBy(() -> client("--config", named)).hasMessageContaining("kafka.ssl.*");
    }

    private String write(String properties) throws IOException {
        return Files.writeString(folder.resolve("kafka.properties"), properties).toString();
    }

    @Test
    void anAuditSaysWhenItProvesNothing() {
        var some = Map.of("a", found(3, 0, 0));
        assertThat(verdict(some, "t")).isEqualTo("clean []");
        assertThat(verdict(Map.of("a", found(3, 1, 2)), "t")).startsWith("NOT CLEAN [several routes write into one");
        assertThat(verdict(Map.of("a", found(3, 0, 2)), "t"))
                .startsWith("NOT PROVEN [several routes write into one Kafka topic")
                .contains("headers.mqtt-route={route}");
        assertThat(verdict(Map.of(), "t")).startsWith("NOT PROVEN [no record there has mqtt-client-id and mqtt-seq");
        assertThat(verdict(Map.of(), "t", "--since", "1h"))
                .endsWith("check the names of the Kafka topics, and --since]");
        assertThat(verdict(some, "t", "--client", "a")).isEqualTo("clean []");
        assertThat(verdict(some, "t", "--client", "a", "--client", "b"))
                .startsWith("NOT PROVEN [there is no record of client b: ");
    }

    private static RecordAudit.Findings found(long records, long gaps, long mixed) {
        return new RecordAudit.Findings(records, 1, gaps, 0, 0, mixed, List.of());
    }

    private static String verdict(Map<String, RecordAudit.Findings> findings, String... arguments) {
        var verdict = AuditVerdict.of(findings, audit(arguments));
        return verdict + " " + verdict.doubts();
    }

    @Test
    void tailShowsTextAsTextAndOtherBytesAsHex() {
        var record = new ConsumerRecord<>("t", 3, 17, "device-1".getBytes(UTF_8), "{\n}".getBytes(UTF_8));
        record.headers().add("mqtt-qos", "1".getBytes(UTF_8)).add("mqtt-correlation-data", new byte[] {0, (byte) 0xff});
        assertThat(Tail.line(record)).isEqualTo("3@17  device-1  mqtt-qos=1 mqtt-correlation-data=0x00ff  {\\n}");
        assertThat(Tail.readable(null)).isEqualTo("(null)");
    }
}

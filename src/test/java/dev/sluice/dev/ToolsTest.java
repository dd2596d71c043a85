package dev.sluice.dev;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

/** What the tools make of their arguments, and how they show what they found. */
class ToolsTest {
    @Test
    void demoOptions() {
        assertThat(DemoOptions.parse(List.of())).isEqualTo(new DemoOptions(100, 1000, 20));
        assertThat(DemoOptions.parse(List.of("--rate", "5", "--devices", "7", "--seconds", "9")))
                .isEqualTo(new DemoOptions(7, 5, 9));
        assertThatThrownBy(() -> DemoOptions.parse(List.of("--rate"))).hasMessageContaining("but got nothing");
        assertThatThrownBy(() -> DemoOptions.parse(List.of("--rate", "-1"))).hasMessageContaining("but got -1");
        assertThatThrownBy(() -> DemoOptions.parse(List.of("fast"))).hasMessageContaining("'fast'");
    }

    @Test
    void auditOptions() {
        var now = Instant.parse("2026-01-31T12:00:00Z");
        assertThat(AuditOptions.parse(List.of("t"), now)).isEqualTo(AuditOptions.of("t"));
        var options = AuditOptions.parse(List.of("t", "--client", "a", "--since", "2h", "u", "--all", "--json"), now);
        assertThat(options.kafkaTopics()).containsExactly("t", "u");
        assertThat(options.clientIds()).containsExactly("a");
        assertThat(options.since()).contains(Instant.parse("2026-01-31T10:00:00Z"));
        assertThat(options.all() && options.json() && !options.allowTruncated()).isTrue();
        assertThat(AuditOptions.parse(List.of("t", "--since", "2d"), now).since())
                .contains(Instant.parse("2026-01-29T12:00:00Z"));
        assertThatThrownBy(() -> AuditOptions.parse(List.of(), now)).hasMessageContaining("the name of a Kafka topic");
        assertThatThrownBy(() -> AuditOptions.parse(List.of("t", "--since", "soon"), now))
                .hasMessageContaining("but got soon");
        assertThatThrownBy(() -> AuditOptions.parse(List.of("t", "--fast"), now))
                .hasMessageContaining("'--fast'");
        assertThatThrownBy(() -> AuditOptions.parse(List.of("t", "--config", "/no/such/file"), now))
                .hasMessageContaining("/no/such/file, which cannot be read");
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
        var verdict = AuditVerdict.of(findings, AuditOptions.parse(List.of(arguments), Instant.now()));
        return verdict + " " + verdict.doubts();
    }

    @Test
    void serversOfOnesOwnReplaceTheEmbeddedOnes() {
        var settings = Settings.of(Map.of("KAFKA_BOOTSTRAP_SERVERS", "k:1", "SLUICE_POSTGRES_PORT", "5"));
        assertThat(settings.kafka()).isEqualTo("k:1");
        assertThat(settings.postgres()).isEqualTo("jdbc:postgresql://127.0.0.1:5/sluice");
        assertThat(settings.foreignPostgres()).isEmpty();
        assertThatThrownBy(() -> Settings.of(Map.of("SLUICE_PORT", "70000")))
                .hasMessage("SLUICE_PORT is '70000'; it has to be a port number between 1 and 65535.");
    }

    @Test
    void tailShowsTextAsTextAndOtherBytesAsHex() {
        var record = new ConsumerRecord<>("t", 3, 17, "device-1".getBytes(UTF_8), "{\n}".getBytes(UTF_8));
        record.headers().add("mqtt-qos", "1".getBytes(UTF_8)).add("mqtt-correlation-data", new byte[] {0, (byte) 0xff});
        assertThat(Tail.line(record)).isEqualTo("3@17  device-1  mqtt-qos=1 mqtt-correlation-data=0x00ff  {\\n}");
        assertThat(Tail.readable(null)).isEqualTo("(null)");
    }

    @Test
    void tallyTellsWhatIsLost() {
        var tally = new Tally("r1", 2);
        for (var sequence = 1; sequence <= 4; sequence++) {
            tally.published();
            tally.acknowledged(1, sequence, 2_000_000);
        }
        tally.found(Tally.payload("r1", 1, 1));
        tally.found(Tally.payload("r1", 1, 3));
        tally.found(Tally.payload("r1", 1, 2));
        tally.found(Tally.payload("other", 1, 4));
        tally.found("not ours");
        assertThat(tally.isSettled()).isTrue();
        assertThat(tally.lost()).isEqualTo(1);
        assertThat(tally.table().replaceAll(" +", " ")).isEqualTo("""
                published 4
                acknowledged 4
                found in Kafka 3
                lost 1
                ack p50 2.0 ms
                ack p99 2.0 ms
                """);
    }
}

package dev.sluice.tools;

import io.vertx.core.json.JsonObject;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code audit}: reads Kafka topics to their end and says what they prove; runs on the main thread. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Holds Kafka records against the promise: gaps, repeats, disorder.%n",
            "Reads Kafka topics from their beginning to the end that they have at the start, and looks at the headers of their"
                    + " records. Shows each client with a finding: how many records there are, in how many epochs, and",
            "  gaps      numbers of mqtt-seq that are missing below the highest of their epoch and route",
            "  repeats   records of a message that was there before: same mqtt-message-id under another epoch, or same"
                    + " mqtt-seq again",
            "  disorder  records behind a higher mqtt-seq of their route in the same partition that are no repeats",
            "Says \"clean\" and exits with 0 if there is no gap and no disorder; there may be repeats. Exit status 1 means"
                    + " \"NOT CLEAN\" if there is one, and \"NOT PROVEN\" if the records cannot tell: there are none, none of a"
                    + " --client, or some of several routes that write into one Kafka topic without a header that names them."
                    + " A line before says what to do.%n",
            "Name every Kafka topic that a route writes to, with the dead-letter topic, whose records count where they were"
                    + " meant to be. Let publishers rest: of several partitions, one may be read before the other. Numbers"
                    + " count per route: where several routes write into one Kafka topic, give them"
                    + " headers.mqtt-route={route}.%n",
            "Needs a heap (-Xmx) of 24 bytes for each of the last 65,535 records of each client, 1.5 MB for a client that has"
                    + " as many: --client asks for less.%n"
        })
public final class Audit implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "KAFKA_TOPIC", description = "what to read")
    private List<String> kafkaTopics;

    @Option(names = "--all", description = "show every client, not only those with a finding")
    private boolean all;

    @Option(names = "--client", paramLabel = "ID", description = "only this client; may be given several times")
    private Set<String> clientIds = Set.of();

    @Option(names = "--json", description = "a line of JSON for each client that is shown, and one for the total")
    private boolean json;

    @Option(
            names = "--since",
            paramLabel = "TIME",
            description = "only records from then on: 90s, 15m, 2h, 1d, or 2026-01-31T12:00:00Z")
    private String since;

    @Option(
            names = "--allow-truncated",
            description =
                    "count no beginning that is missing; by itself so in partitions whose first records are deleted")
    private boolean allowTruncated;

    @Mixin
    private KafkaOptions kafka;

    private Audit() {}

    @Override
    public Integer call() {
        var options = options(Instant.now());
        var audit = read(options);
        var findings = audit.findings();
        var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        out.print(options.json() ? json(findings, options) : report(findings, options, audit.unnumbered()));
        out.flush();
        return AuditVerdict.of(findings, options).isClean() ? 0 : 1;
    }

    AuditOptions options(Instant now) {
        return new AuditOptions(
                List.copyOf(kafkaTopics),
                Set.copyOf(clientIds),
                all,
                json,
                allowTruncated,
                Optional.ofNullable(since).map(text -> time(text, now)));
    }

    private Instant time(String text, Instant now) {
        try {
            return text.matches("[0-9]{1,6}[smhd]")
                    ? now.minus(Duration.parse((text.endsWith("d") ? "P" : "PT") + text))
                    : Instant.parse(text);
        } catch (DateTimeException _) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--since needs a time like 90s, 15m, 2h, 1d or 2026-01-31T12:00:00Z, but got " + text + ".");
        }
    }

    private RecordAudit read(AuditOptions options) {
        var wanted = options.clientIds();
        var audit = new RecordAudit(clientId -> wanted.isEmpty() || wanted.contains(clientId));
        try (var records = KafkaRecords.fromBeginning(kafka.client(), options.kafkaTopics())) {
            options.since().ifPresent(records::seek);
            audit.truncated(
                    options.since().isPresent() || options.allowTruncated()
                            ? Set.copyOf(records.partitions())
                            : records.truncated());
            records.readToEnd(audit::add);
        }
        return audit;
    }

    /** A line for each client with a finding, or for each, and one for all. */
    public static String report(Map<String, RecordAudit.Findings> findings, AuditOptions options, long unnumbered) {
        var report = new StringBuilder();
        findings.forEach((clientId, found) -> {
            if (options.all() || found.isNotable()) {
                report.append(Tail.readable(clientId.getBytes(StandardCharsets.UTF_8)))
                        .append("  ")
                        .append(sentence(found))
                        .append('\n');
                found.notes().forEach(note -> report.append("  ").append(note).append('\n'));
            }
        });
        if (unnumbered > 0) {
            report.append(String.format(
                    Locale.ROOT, "%,d records without mqtt-client-id and mqtt-seq are not counted%n", unnumbered));
        }
        var verdict = AuditVerdict.of(findings, options);
        verdict.doubts().forEach(doubt -> report.append(doubt).append('\n'));
        return report.append(verdict)
                .append(String.format(
                        Locale.ROOT,
                        ": %,d clients in %s: %s%n",
                        findings.size(),
                        String.join(", ", options.kafkaTopics()),
                        sentence(RecordAudit.total(findings))))
                .toString();
    }

    private static String sentence(RecordAudit.Findings found) {
        return String.format(
                Locale.ROOT,
                "records %,d  epochs %,d  gaps %,d  repeats %,d  disorder %,d",
                found.records(),
                found.epochs(),
                found.gaps(),
                found.repeats(),
                found.disorder());
    }

    static String json(Map<String, RecordAudit.Findings> findings, AuditOptions options) {
        var verdict = AuditVerdict.of(findings, options);
        var lines = new StringBuilder();
        findings.forEach((clientId, found) -> {
            if (options.all() || found.isNotable()) {
                lines.append(object(new JsonObject().put("client", clientId), found));
            }
        });
        var total = new JsonObject()
                .put("verdict", verdict.toString())
                .put("doubts", verdict.doubts())
                .put("clients", findings.size());
        return lines.append(object(total, RecordAudit.total(findings))).toString();
    }

    private static String object(JsonObject object, RecordAudit.Findings found) {
        return object.put("records", found.records())
                        .put("epochs", found.epochs())
                        .put("gaps", found.gaps())
                        .put("repeats", found.repeats())
                        .put("disorder", found.disorder())
                        .put("mixed", found.mixed())
                        .encode()
                + "\n";
    }
}

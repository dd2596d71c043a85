package dev.sluice.dev;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;

/** {@code ./sluice audit}: reads Kafka topics to their end and says what they prove; runs on the main thread. */
final class Audit {
    private Audit() {}

    static int run(Settings settings, List<String> arguments) {
        if (arguments.contains("--help")) {
            System.out.print(AuditOptions.USAGE);
            return 0;
        }
        var options = AuditOptions.parse(arguments, Instant.now());
        var audit = read(settings, options);
        var findings = audit.findings();
        var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        out.print(options.json() ? json(findings, options) : report(findings, options, audit.unnumbered()));
        out.flush();
        return AuditVerdict.of(findings, options).isClean() ? 0 : 1;
    }

    private static RecordAudit read(Settings settings, AuditOptions options) {
        var wanted = options.clientIds();
        var audit = new RecordAudit(clientId -> wanted.isEmpty() || wanted.contains(clientId));
        try (var records = KafkaRecords.fromBeginning(client(settings, options), options.kafkaTopics())) {
            options.since().ifPresent(records::seek);
            audit.truncated(
                    options.since().isPresent() || options.allowTruncated()
                            ? Set.copyOf(records.partitions())
                            : records.truncated());
            records.readToEnd(audit::add);
        }
        return audit;
    }

    private static Map<String, Object> client(Settings settings, AuditOptions options) {
        var client = new HashMap<String, Object>();
        options.config().ifPresent(file -> {
            var properties = new Properties();
            try (var reader = Files.newBufferedReader(file)) {
                properties.load(reader);
            } catch (IOException e) {
                throw new Complaint("cannot read " + file + ": " + e.getMessage(), e);
            }
            properties.forEach((key, value) -> client.put(key.toString(), value));
        });
        client.putIfAbsent("bootstrap.servers", settings.kafka());
        return client;
    }

    /** A line for each client with a finding, or for each, and one for all. */
    static String report(Map<String, RecordAudit.Findings> findings, AuditOptions options, long unnumbered) {
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

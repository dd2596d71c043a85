package dev.sluice.dev;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What {@code ./sluice audit} is to read and to show; immutable.
 *
 * @param clientIds empty for all clients
 * @param config a file of properties of Kafka clients
 */
record AuditOptions(
        List<String> kafkaTopics,
        Set<String> clientIds,
        boolean all,
        boolean json,
        boolean allowTruncated,
        Optional<Instant> since,
        Optional<Path> config) {
    static final String USAGE = """
            Usage: ./sluice audit [OPTION...] KAFKA_TOPIC...

            Reads Kafka topics from their beginning to the end that they have at the start, and holds the headers of their records
            against the promise: for each client with a finding, how many records there are, in how many epochs, and
              gaps      numbers of mqtt-seq that are missing below the highest of their epoch and route
              repeats   records of a message that was there before: same mqtt-message-id under another epoch, or same mqtt-seq again
              disorder  records behind a higher mqtt-seq of their route in the same partition that are no repeats
            Says "clean" and exits with 0 if there is no gap and no disorder; there may be repeats. Exit status 1 means "NOT CLEAN" if
            there is one, and "NOT PROVEN" if the records cannot tell: there are none, none of a --client, or some of several routes
            that write into one Kafka topic without a header that names them. A line before says what to do.

              --all              show every client, not only those with a finding
              --client ID        only this client; may be given several times
              --json             a line of JSON for each client that is shown, and one for the total
              --since TIME       only records from then on: 90s, 15m, 2h, 1d, or 2026-01-31T12:00:00Z
              --allow-truncated  count no beginning that is missing; by itself so in partitions whose first records are deleted
              --config FILE      properties of a Kafka client, for TLS and SASL

            Name every Kafka topic that a route writes to, with the dead-letter topic, whose records count where they were meant to
            be; and let publishers rest: of several partitions, one may be read before the other. Numbers count per route: where
            several routes write into one Kafka topic, give them headers.mqtt-route={route}.

            Reads from KAFKA_BOOTSTRAP_SERVERS, or 127.0.0.1 and SLUICE_KAFKA_PORT (9092).
            """;

    /** Of one Kafka topic, everything else as it is by default. */
    static AuditOptions of(String kafkaTopic) {
        return parse(List.of(kafkaTopic), Instant.EPOCH);
    }

    static AuditOptions parse(List<String> arguments, Instant now) {
        var topics = new ArrayList<String>();
        var clients = new HashSet<String>();
        var flags = new HashSet<String>();
        var since = Optional.<Instant>empty();
        var config = Optional.<Path>empty();
        for (var words = arguments.iterator(); words.hasNext(); ) {
            var word = words.next();
            switch (word) {
                case "--all", "--json", "--allow-truncated" -> flags.add(word);
                case "--client" -> clients.add(value(word, words));
                case "--since" -> since = Optional.of(time(value(word, words), now));
                case "--config" -> config = Optional.of(file(value(word, words)));
                default -> {
                    if (word.startsWith("-")) {
                        throw new Complaint("audit does not understand '" + word + "'.\n\n" + USAGE);
                    }
                    topics.add(word);
                }
            }
        }
        if (topics.isEmpty()) {
            throw new Complaint("audit needs the name of a Kafka topic.\n\n" + USAGE);
        }
        return new AuditOptions(
                List.copyOf(topics),
                Set.copyOf(clients),
                flags.contains("--all"),
                flags.contains("--json"),
                flags.contains("--allow-truncated"),
                since,
                config);
    }

    private static String value(String option, Iterator<String> words) {
        if (!words.hasNext()) {
            throw new Complaint(option + " needs a value.");
        }
        return words.next();
    }

    private static Path file(String name) {
        var file = Path.of(name);
        if (!Files.isReadable(file)) {
            throw new Complaint("--config names " + name + ", which cannot be read.");
        }
        return file;
    }

    private static Instant time(String text, Instant now) {
        try {
            return text.matches("[0-9]{1,6}[smhd]")
                    ? now.minus(Duration.parse((text.endsWith("d") ? "P" : "PT") + text))
                    : Instant.parse(text);
        } catch (DateTimeException _) {
            throw new Complaint(
                    "--since needs a time like 90s, 15m, 2h, 1d or 2026-01-31T12:00:00Z, but got " + text + ".");
        }
    }
}

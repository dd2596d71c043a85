package dev.sluice.dev;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** What the headers of Kafka records prove about each client: repeats by message id, gaps and disorder by sequence; for one thread. */
public final class RecordAudit {
    /** A message id is unique only within as many consecutive publishes of a session. */
    private static final int REPEAT_WINDOW = 65_535;

    /**
     * One client's records: how many, how many of them carry the message id of an earlier one, how many sequence numbers are missing
     * below the highest of their epoch, and how many come behind a higher one.
     */
    public record Findings(long records, long repeats, long gaps, long disorder) {}

    private final Map<String, Client> clients = new TreeMap<>();

    /** Reads the topics from their beginning to their present end. */
    public static RecordAudit read(String bootstrap, String... kafkaTopics) {
        var audit = new RecordAudit();
        try (var records = KafkaRecords.fromBeginning(bootstrap, kafkaTopics)) {
            records.readToEnd(audit::add);
        }
        return audit;
    }

    public void add(ConsumerRecord<byte[], byte[]> record) {
        clients.computeIfAbsent(header(record, "mqtt-client-id"), _ -> new Client())
                .add(record);
    }

    /** The findings by client id. */
    public Map<String, Findings> findings() {
        var findings = new TreeMap<String, Findings>();
        clients.forEach((clientId, client) -> findings.put(clientId, client.findings()));
        return findings;
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        var header = record.headers().lastHeader(name);
        return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }

    private static final class Client {
        private final Set<String> recentIds = new LinkedHashSet<>();
        private final Map<String, BitSet> sequences = new HashMap<>();
        private long records;
        private long repeats;
        private long disorder;

        void add(ConsumerRecord<byte[], byte[]> record) {
            records++;
            var messageId = header(record, "mqtt-message-id"); // QoS 0 has none
            if (!messageId.isEmpty() && !recentIds.add(record.topic() + " " + messageId)) {
                repeats++;
            }
            if (recentIds.size() > REPEAT_WINDOW) {
                recentIds.remove(recentIds.iterator().next());
            }
            addSequence(record.topic(), header(record, "mqtt-seq"));
        }

        /** The numbers count from 1 in each epoch and route; routes to different topics are told apart by the topic. */
        private void addSequence(String kafkaTopic, String epochAndNumber) {
            var slash = epochAndNumber.indexOf('/');
            if (slash < 0) {
                return;
            }
            var seen =
                    sequences.computeIfAbsent(kafkaTopic + " " + epochAndNumber.substring(0, slash), _ -> new BitSet());
            var number = Integer.parseInt(epochAndNumber.substring(slash + 1));
            if (number < seen.length() - 1) {
                disorder++;
            }
            seen.set(number);
        }

        Findings findings() {
            var gaps = sequences.values().stream()
                    .mapToLong(seen -> seen.length() - 1 - seen.cardinality())
                    .sum();
            return new Findings(records, repeats, gaps, disorder);
        }
    }
}

package dev.sluice.tools;

import com.dynatrace.hash4j.hashing.Hashing;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/** What the headers of Kafka records prove about each client: gaps and disorder by sequence number, repeats by message id; for one thread. */
public final class RecordAudit {
    private static final Pattern SEQ = Pattern.compile("(\\d{1,18})/([1-9]\\d{0,17})");

    /**
     * What was found of one client, or of all.
     *
     * @param epochs sessions' epochs; one for each connection that published
     * @param gaps numbers that are missing below the highest of their epoch and route
     * @param repeats records of a message that was there before
     * @param disorder first records of a message that come behind a higher number
     * @param mixed records whose number another message of the same Kafka topic has, too, so that several routes must write there
     * @param notes the first gaps, and advice; for people
     */
    public record Findings(
            long records, long epochs, long gaps, long repeats, long disorder, long mixed, List<String> notes) {
        /** Whether anything is to be told. */
        boolean isNotable() {
            return gaps + repeats + disorder + mixed > 0;
        }

        /** Whether something is wrong; a repeat is not, as the message id tells it. */
        boolean isWrong() {
            return gaps + disorder > 0;
        }

        private Findings plus(Findings other) {
            return new Findings(
                    records + other.records,
                    epochs + other.epochs,
                    gaps + other.gaps,
                    repeats + other.repeats,
                    disorder + other.disorder,
                    mixed + other.mixed,
                    List.of());
        }
    }

    private final Predicate<String> clientIds;
    private final Set<TopicPartition> truncated = new HashSet<>();
    private final Map<String, AuditedClient> clients = new TreeMap<>();
    private final Map<AuditedClient.Source, AuditedClient.Source> sources = new HashMap<>();
    private final Map<TopicPartition, TopicPartition> partitions = new HashMap<>();
    private long unnumbered;

    public RecordAudit() {
        this(_ -> true);
    }

    /** Counts only the clients that the predicate takes. */
    public RecordAudit(Predicate<String> clientIds) {
        this.clientIds = clientIds;
    }

    /** Reads the topics from their beginning to their present end. */
    public static RecordAudit read(String bootstrap, String... kafkaTopics) {
        var audit = new RecordAudit();
        try (var records = KafkaRecords.fromBeginning(bootstrap, kafkaTopics)) {
            audit.truncated(records.truncated());
            records.readToEnd(audit::add);
        }
        return audit;
    }

    /** These have lost their beginning, so that what is missing there is none of our gaps. */
    public void truncated(Set<TopicPartition> some) {
        truncated.addAll(some);
    }

    public void add(ConsumerRecord<?, byte[]> record) {
        var clientId = header(record, "mqtt-client-id", "ce_mqttclientid");
        var seq = SEQ.matcher(header(record, "mqtt-seq"));
        if (clientId.isEmpty() || !seq.matches()) {
            unnumbered++;
            return;
        }
        if (!clientIds.test(clientId)) {
            return;
        }
        var messageId = header(record, "mqtt-message-id");
        var entry = new AuditedClient.Entry(
                partition(record),
                source(record),
                Long.parseLong(seq.group(1)),
                Long.parseLong(seq.group(2)),
                messageId,
                messageId.isEmpty() ? content(record) : 0);
        clients.computeIfAbsent(clientId, _ -> new AuditedClient()).add(entry);
    }

    private TopicPartition partition(ConsumerRecord<?, byte[]> record) {
        return partitions.computeIfAbsent(new TopicPartition(record.topic(), record.partition()), it -> it);
    }

    /** A dead letter counts where it was meant to be. */
    private AuditedClient.Source source(ConsumerRecord<?, byte[]> record) {
        var meant = header(record, "dead-letter-kafka-topic");
        // The source of a CloudEvent names the route.
        var route = header(record, "mqtt-route", "ce_source");
        return sources.computeIfAbsent(
                new AuditedClient.Source(meant.isEmpty() ? record.topic() : meant, route), it -> it);
    }

    /** At QoS 0, topic and payload are all that tells one message from another. */
    private static long content(ConsumerRecord<?, byte[]> record) {
        var hasher = Hashing.xxh3_64();
        var topic = header(record, "mqtt-topic", "ce_subject").getBytes(StandardCharsets.UTF_8);
        return hasher.hashLongLongToLong(
                hasher.hashBytesToLong(topic), record.value() == null ? 0 : hasher.hashBytesToLong(record.value()));
    }

    private static String header(ConsumerRecord<?, byte[]> record, String name) {
        var header = record.headers().lastHeader(name);
        return header == null || header.value() == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }

    /** The header of records in the style of MQTT, or that of CloudEvents. */
    private static String header(ConsumerRecord<?, byte[]> record, String name, String ofCloudEvent) {
        var value = header(record, name);
        return value.isEmpty() ? header(record, ofCloudEvent) : value;
    }

    /** The findings by client id. */
    public Map<String, Findings> findings() {
        var findings = new TreeMap<String, Findings>();
        clients.forEach((clientId, client) -> findings.put(clientId, client.findings(truncated)));
        return findings;
    }

    static Findings total(Map<String, Findings> findings) {
        return findings.values().stream().reduce(new Findings(0, 0, 0, 0, 0, 0, List.of()), Findings::plus);
    }

    /** Records that carry no client identifier and number, so that nothing can be said about them. */
    long unnumbered() {
        return unnumbered;
    }
}

package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import dev.sluice.tools.KafkaRecords;
import dev.sluice.tools.RecordAudit;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** A Kafka topic read to its end, held against what publishers were told; used by one thread. */
final class Account {
    private final RecordAudit audit = new RecordAudit();
    private final Map<String, Client> clients;
    private final Map<String, Integer> recordsOfId = new HashMap<>();
    private final Map<String, Long> lastRecordOfId = new HashMap<>();
    private int sharedIds;

    /** What Kafka holds of one client. */
    private static final class Client {
        final Publisher publisher;
        final BitSet seen = new BitSet();
        final Map<Integer, String> ids = new HashMap<>();
        int last;
        int records;
        int repeats;
        int outOfOrder;
        int changedIds;

        Client(Publisher publisher) {
            this.publisher = publisher;
        }

        /** The numbers of messages that were acknowledged and are not there. */
        BitSet lost() {
            var lost = publisher.acknowledged();
            lost.andNot(seen);
            return lost;
        }
    }

    private Account(List<Publisher> publishers) {
        clients = publishers.stream()
                .collect(Collectors.toMap(publisher -> publisher.profile().clientId(), Client::new));
    }

    static Account of(String bootstrap, String kafkaTopic, List<Publisher> publishers) {
        var account = new Account(publishers);
        try (var records = KafkaRecords.fromBeginning(bootstrap, kafkaTopic)) {
            records.readToEnd(account::add);
        }
        return account;
    }

    private void add(ConsumerRecord<byte[], byte[]> record) {
        audit.add(record);
        var client = clients.get(new String(record.key(), StandardCharsets.UTF_8));
        if (client == null) return;
        var number = number(record.value());
        client.records++;
        if (client.seen.get(number)) client.repeats++;
        else if (number < client.last) client.outOfOrder++;
        else client.last = number;
        var first = !client.seen.get(number);
        client.seen.set(number);
        if (client.publisher.profile().qos() == QoS.AT_MOST_ONCE) return;
        var id = new String(record.headers().lastHeader("mqtt-message-id").value(), StandardCharsets.US_ASCII);
        var known = client.ids.putIfAbsent(number, id);
        if (known != null && !known.equals(id)) client.changedIds++;
        if (first && recordsOfId.containsKey(id)) sharedIds++;
        recordsOfId.merge(id, 1, Integer::sum);
        lastRecordOfId.merge(id, record.timestamp(), Math::max);
    }

    private static int number(byte[] payload) {
        int number = 0;
        for (int i = 0; payload[i] != ' '; i++) number = 10 * number + payload[i] - '0';
        return number;
    }

    /** Every promise about acknowledged messages, their order and their message identifiers. */
    void assertKept() {
        for (var client : clients.values()) {
            var what = client.publisher.profile().clientId();
            var lost = client.lost();
            assertThat(lost.cardinality())
                    .as(what + ": acknowledged, but not in Kafka: " + lost)
                    .isZero();
            assertThat(client.outOfOrder)
                    .as(what + ": first records out of order")
                    .isZero();
            assertThat(client.changedIds)
                    .as(what + ": repeats under another message id")
                    .isZero();
            assertThat(client.publisher.negatives())
                    .as(what + ": negative answers")
                    .isEmpty();
            assertThat(client.publisher.sessionsLost())
                    .as(what + ": sessions lost")
                    .isZero();
        }
        assertThat(sharedIds)
                .as("messages that share the message id of another")
                .isZero();
        assertCountable();
    }

    /** What a consumer can tell from the headers alone is what is so: nothing is missing or late, and the repeats are known. */
    private void assertCountable() {
        var findings = audit.findings();
        assertThat(findings).allSatisfy((clientId, found) -> {
            assertThat(found.gaps()).as(clientId + ": gaps " + found.notes()).isZero();
            assertThat(found.disorder()).as(clientId + ": disorder").isZero();
            assertThat(found.mixed()).as(clientId + ": mixed routes").isZero();
        });
        clients.forEach((clientId, client) -> {
            if (client.records > 0)
                assertThat(findings.get(clientId).repeats())
                        .as(clientId + ": repeats that the headers tell")
                        .isEqualTo(client.repeats);
        });
    }

    /** Nothing is there twice. */
    void assertNoRepeats() {
        for (var client : clients.values())
            assertThat(client.repeats)
                    .as(client.publisher.profile().clientId() + ": repeats")
                    .isZero();
    }

    /** Everything published is there, acknowledged or not. */
    void assertComplete() {
        for (var client : clients.values())
            assertThat(client.seen.cardinality())
                    .as(client.publisher.profile().clientId() + ": messages in Kafka")
                    .isEqualTo(client.publisher.published());
    }

    /** None of these message identifiers has a record from after the given time, in milliseconds since 1970. */
    void assertNotProducedAfter(long millis, Set<String> messageIds) {
        assertThat(messageIds.stream()
                        .filter(id -> lastRecordOfId.getOrDefault(id, 0L) > millis)
                        .toList())
                .as("message ids that the journal held before they were produced again")
                .isEmpty();
    }

    String report() {
        var publishers =
                clients.values().stream().map(client -> client.publisher).toList();
        var gaps = audit.findings().values().stream()
                .mapToLong(RecordAudit.Findings::gaps)
                .sum();
        return "published %,d, acknowledged %,d, of these lost %,d, gaps %,d, records in Kafka %,d, repeated in Kafka %,d, sent again %,d, connects %,d"
                .formatted(
                        publishers.stream().mapToInt(Publisher::published).sum(),
                        publishers.stream()
                                .mapToInt(Publisher::acknowledgedCount)
                                .sum(),
                        clients.values().stream()
                                .mapToInt(client -> client.lost().cardinality())
                                .sum(),
                        gaps,
                        clients.values().stream()
                                .mapToInt(client -> client.records)
                                .sum(),
                        clients.values().stream()
                                .mapToInt(client -> client.repeats)
                                .sum(),
                        publishers.stream().mapToInt(Publisher::repeats).sum(),
                        publishers.stream().mapToInt(Publisher::connects).sum());
    }
}

package dev.sluice.conformance;

import static dev.sluice.conformance.Admin.ROUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import dev.sluice.support.Publisher;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A route that is changed by REST, now on one gateway and now on another, while thousands of messages a second pass it. */
class RouteChangeIT {
    private static final int CHANGES = 6;
    private static final int CLIENTS_OF_EACH = 10;
    private static final Duration PACE = Duration.ofMillis(5);
    private static final Duration BETWEEN = Duration.ofMillis(1500);
    /** Of the answer: the first change that a gateway is asked for takes as long as its code has to be loaded. */
    private static final Duration ACTIVE_WITHIN = Duration.ofSeconds(1);

    private static final Gateway SHARED = Gateway.shared();
    private static GatewayProcess another;
    private static int anotherPort;

    @BeforeAll
    static void start() {
        Gateway.createTopics(
                SHARED.bootstrap(),
                IntStream.rangeClosed(1, CHANGES)
                        .mapToObj(i -> new NewTopic("change." + i, 1, (short) 1))
                        .toArray(NewTopic[]::new));
        var settings = SHARED.settingsOfAnother();
        anotherPort = settings.port();
        another = GatewayProcess.start(settings);
        another.awaitReady();
    }

    @AfterAll
    static void stop() {
        SHARED.execute("DELETE FROM route");
        another.close();
    }

    /** One record: the number of its message among its client's, and what was known of it. */
    private record Seen(int number, String seq, int topic, long receivedAt) {}

    /** When a change was asked for and answered, milliseconds since 1970. */
    private record Change(long asked, long answered) {}

    @Test
    void nothingIsLostMisroutedOrOutOfOrder() {
        var publishers = new ArrayList<Publisher>();
        for (int i = 0; i < 2 * CLIENTS_OF_EACH; i++)
            publishers.add(Publisher.start(i % 2 == 0 ? SHARED.port() : anotherPort, profile("change-" + i)));
        var changes = new ArrayList<Change>();
        for (int i = 1; i <= CHANGES; i++) {
            awaitProgress(publishers);
            changes.add(change(i % 2 == 0 ? SHARED.port() : anotherPort, "change." + i));
        }
        awaitProgress(publishers);
        publishers.forEach(Publisher::stop);
        await().atMost(Duration.ofSeconds(60)).until(() -> publishers.stream().allMatch(Publisher::isQuiet));
        var seen = read();
        for (var publisher : publishers)
            assertInOrder(publisher, seen.get(publisher.profile().clientId()), changes);
        publishers.forEach(Publisher::close);
    }

    private static Publisher.Profile profile(String clientId) {
        return new Publisher.Profile(clientId, ProtocolVersion.V5, QoS.AT_LEAST_ONCE, false, 16, 1, PACE, 64);
    }

    /** Every client goes on for a while under the routes that are in force. */
    private static void awaitProgress(List<Publisher> publishers) {
        var before = publishers.stream().mapToInt(Publisher::acknowledgedCount).toArray();
        await().atMost(Duration.ofSeconds(30)).pollDelay(BETWEEN).until(() -> IntStream.range(0, before.length)
                .allMatch(i -> publishers.get(i).acknowledgedCount() > before[i] + 20));
    }

    private static Change change(int port, String kafkaTopic) {
        var asked = System.currentTimeMillis();
        var answer = new Admin(port)
                .put(
                        ROUTES + "/telemetry",
                        "{'filter': 'fleet/{device}/telemetry/{rest...}', 'kafkaTopic': '" + kafkaTopic + "'}");
        assertThat(answer.status()).isEqualTo(200);
        return new Change(asked, System.currentTimeMillis());
    }

    /** What is in the Kafka topics, by client, in the order of the topics and then of the records. */
    private static Map<String, List<Seen>> read() {
        var seen = new HashMap<String, List<Seen>>();
        var config = Map.<String, Object>of("bootstrap.servers", SHARED.bootstrap());
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer())) {
            for (int topic = 0; topic <= CHANGES; topic++) {
                var partition = new TopicPartition(topic == 0 ? "wire.telemetry" : "change." + topic, 0);
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
                var end = consumer.endOffsets(List.of(partition)).get(partition);
                while (consumer.position(partition) < end) {
                    for (var record : consumer.poll(Duration.ofMillis(100))) {
                        var seq = new String(
                                record.headers().lastHeader("mqtt-seq").value(), StandardCharsets.US_ASCII);
                        if (record.key().startsWith("change-"))
                            seen.computeIfAbsent(record.key(), _ -> new ArrayList<>())
                                    .add(new Seen(number(record.value()), seq, topic, record.timestamp()));
                    }
                }
            }
        }
        return seen;
    }

    private static int number(byte[] payload) {
        var text = new String(payload, StandardCharsets.US_ASCII);
        return Integer.parseInt(text.substring(0, text.indexOf(' ')));
    }

    /** One after the other through all topics: nothing lost, twice, or in a topic after its time. */
    private static void assertInOrder(Publisher publisher, List<Seen> seen, List<Change> changes) {
        var client = publisher.profile().clientId();
        assertThat(publisher.negatives()).as(client).isEmpty();
        assertThat(publisher.connects()).as(client).isEqualTo(1);
        assertThat(seen).as(client).hasSize(publisher.published());
        for (int i = 0; i < seen.size(); i++) {
            assertThat(seen.get(i).number()).as("%s, record %d", client, i).isEqualTo(i + 1);
            assertThat(seen.get(i).seq()).as("%s, record %d", client, i).endsWith("/" + (i + 1));
        }
        for (int topic = 1; topic <= CHANGES; topic++) {
            var change = changes.get(topic - 1);
            var active = topic;
            var first =
                    seen.stream().filter(it -> it.topic() >= active).findFirst().orElseThrow();
            var lastBefore = seen.stream()
                    .filter(it -> it.topic() < active)
                    .reduce((_, last) -> last)
                    .orElseThrow();
            assertThat(first.topic()).as(client).isEqualTo(topic);
            assertThat(first.receivedAt()).as("%s, change %d", client, topic).isGreaterThanOrEqualTo(change.asked());
            assertThat(lastBefore.receivedAt())
                    .as("%s, the last record before change %d", client, topic)
                    .isLessThan(change.answered() + ACTIVE_WITHIN.toMillis());
        }
    }
}

package dev.sluice.conformance;

import static dev.sluice.conformance.Admin.ROUTES;
import static dev.sluice.conformance.AttacksIT.port;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import dev.sluice.support.Publisher;
import dev.sluice.support.Stopwatch;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
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

/** A route that is changed by REST, now on one gateway and now on another, while a thousand messages a second pass it. */
abstract class RouteChangeCases {
    private static final int CHANGES = 6;
    private static final int CLIENTS_OF_EACH = 10;
    private static final Duration PACE = Duration.ofMillis(20);
    private static final Duration BETWEEN = Duration.ofMillis(1500);
    /** Of the answer: the first change that a gateway is asked for takes as long as its code has to be loaded. */
    private static final Duration ACTIVE_WITHIN = Duration.ofSeconds(1);
    /** Of the three changes that each gateway hears of from the other one: the machine's other work may hold one up. */
    private static final int FAST = 2;
    /** However busy the machine is. */
    private static final Duration ACTIVE_AT_LAST = Duration.ofSeconds(8);

    private static final Gateway SHARED = Gateway.shared();
    /** Of the gateway that hears of changes only when it is told: by looking for itself it would be late every time. */
    static final String UNASKED = "-Dsluice.store.routes-interval=60s";

    @BeforeAll
    static void start() {
        Gateway.createTopics(
                SHARED.bootstrap(),
                IntStream.rangeClosed(1, CHANGES)
                        .mapToObj(i -> new NewTopic("change." + i, 1, (short) 1))
                        .toArray(NewTopic[]::new));
    }

    @AfterAll
    static void stop() {
        SHARED.execute("DELETE FROM route");
    }

    /** One record: the number of its message among its client's, and what was known of it. */
    private record Seen(int number, String seq, int topic, long receivedAt) {}

    /** When a change was asked for and answered, milliseconds since 1970; and for how many the machine stood still in the time after it. */
    private record Change(long asked, long answered, long stalled) {}

    @Test
    void nothingIsLostMisroutedOrOutOfOrder() {
        var publishers = new ArrayList<Publisher>();
        for (int i = 0; i < 2 * CLIENTS_OF_EACH; i++)
            publishers.add(Publisher.start(i % 2 == 0 ? SHARED.port() : port, profile("change-" + i)));
        var changes = new ArrayList<Change>();
        awaitProgress(publishers);
        for (int i = 1; i <= CHANGES; i++)
            changes.add(change(i % 2 == 0 ? SHARED.port() : port, "change." + i, publishers));
        publishers.forEach(Publisher::stop);
        await().atMost(Duration.ofSeconds(60)).until(() -> publishers.stream().allMatch(Publisher::isQuiet));
        var seen = read();
        for (var publisher : publishers)
            assertInOrder(publisher, seen.get(publisher.profile().clientId()), changes);
        for (int first = 1; first <= 2; first++) assertActiveSoon(first, seen.values(), changes);
        publishers.forEach(Publisher::close);
    }

    private static Publisher.Profile profile(String clientId) {
        return new Publisher.Profile(clientId, ProtocolVersion.V5, QoS.AT_LEAST_ONCE, false, 16, 1, PACE, 64);
    }

    /** Every client goes on for a while under the routes that are in force. */
    private static void awaitProgress(List<Publisher> publishers) {
        var before = publishers.stream().mapToInt(Publisher::acknowledgedCount).toArray();
        await().pollDelay(BETWEEN).until(() -> IntStream.range(0, before.length)
                .allMatch(i -> publishers.get(i).acknowledgedCount() > before[i] + 20));
    }

    /** Returns when every client has gone on for a while under the changed route. */
    private static Change change(int port, String kafkaTopic, List<Publisher> publishers) {
        var asked = System.currentTimeMillis();
        var answer = new Admin(port)
                .put(
                        ROUTES + "/telemetry",
                        "{'filter': 'fleet/{device}/telemetry/{rest...}', 'kafkaTopic': '" + kafkaTopic + "'}");
        var answered = System.currentTimeMillis();
        var watch = Stopwatch.start();
        assertThat(answer.status()).isEqualTo(200);
        awaitProgress(publishers);
        return new Change(asked, answered, watch.stalled().toMillis());
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
            assertThat(first.topic()).as(client).isEqualTo(topic);
            assertThat(first.receivedAt()).as("%s, change %d", client, topic).isGreaterThanOrEqualTo(change.asked());
        }
    }

    /** After every other change, from this one on, until no client's record was routed as before it. */
    private static void assertActiveSoon(int first, Collection<List<Seen>> clients, List<Change> changes) {
        var millis = IntStream.iterate(first, topic -> topic <= CHANGES, topic -> topic + 2)
                .mapToLong(topic -> clients.stream()
                                .flatMap(List::stream)
                                .filter(it -> it.topic() < topic)
                                .mapToLong(Seen::receivedAt)
                                .max()
                                .orElseThrow()
                        - changes.get(topic - 1).answered()
                        - changes.get(topic - 1).stalled())
                .sorted()
                .toArray();
        System.out.println("route changes: active in ms " + Arrays.toString(millis));
        assertThat(millis[FAST - 1]).as("%s", Arrays.toString(millis)).isLessThan(ACTIVE_WITHIN.toMillis());
        assertThat(millis[millis.length - 1]).as("%s", Arrays.toString(millis)).isLessThan(ACTIVE_AT_LAST.toMillis());
    }
}

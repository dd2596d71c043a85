package dev.sluice.uplink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.producer.KnownTopics;
import dev.sluice.uplink.route.RouteTables;
import dev.sluice.uplink.route.RoutesInForce;
import dev.sluice.uplink.spool.Spool;
import dev.sluice.uplink.spool.SpoolRecord;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The spool with a real PostgreSQL, and a Kafka of which some partitions take nothing; MQTT topic {@code <Kafka topic>/<key>}. */
@Tag("postgres")
class SpoolWatchTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Duration SOON = Duration.ofSeconds(60);

    private final ExecutorService loop = Executors.newSingleThreadExecutor();
    private final AtomicInteger answered = new AtomicInteger();
    private final StuckProducer producer = new StuckProducer();
    private StoreRig store;
    private Spool spool;
    private KafkaHealth kafka;
    private SpoolWatch watch;
    private ClientUplink client;
    private int packetId;
    private volatile Set<String> stillTopics = Set.of();

    @BeforeEach
    void empty() {
        SERVER.empty();
        store = new StoreRig(SERVER, new StoreRig.Settings(4, 8192, 1024, 500));
    }

    @AfterEach
    void stop() {
        if (watch != null) {
            producer.recover();
            watch.stop(null);
            watch.settle(null);
        }
        store.close();
        loop.close();
    }

    private void start(String outage) {
        start(outage, "key");
    }

    private void start(String outage, String partition) {
        var config = RouteTables.config(Map.of(
                "sluice.uplink.routes.all.filter", "{target}/{key}",
                "sluice.uplink.routes.all.kafka-topic", "{target}",
                "sluice.uplink.routes.all.key", "{key}",
                "sluice.uplink.routes.all.partition", partition,
                "sluice.uplink.outage", outage,
                "sluice.uplink.outage-grace", "1ms"));
        var meters = new SimpleMeterRegistry();
        var routes = new RoutesInForce(config);
        spool = new Spool(config, store.journal, store.spool, meters);
        var uplink = new Uplink(config, routes, producer, new KnownTopics(), spool, OpenTelemetry.noop(), true, meters);
        kafka = new KafkaHealth(routes, producer, spool, Map.of());
        var standstills = new ProducerWatch(config, routes, producer, kafka, Duration.ofMillis(50), SOON, SOON) {
            @Override
            Set<String> stillTopics() {
                return stillTopics;
            }
        };
        watch = new SpoolWatch(config, spool, store.spool, uplink, producer, kafka, standstills, meters);
        spool.start(null, meters);
        watch.start(null);
        client = uplink.open("client", null, 1, true, loop, forwarding -> {
            if (!forwarding.failedForNow()) answered.incrementAndGet();
        });
        kafkaAnswers(true);
    }

    private void kafkaAnswers(boolean now) {
        kafka.tell(new KafkaHealth.State(now, Set.of(), null));
    }

    private void publish(String kafkaTopic, String key, String value) {
        var publish = new Packet.Publish(
                false,
                QoS.AT_LEAST_ONCE,
                false,
                TopicName.of(kafkaTopic + "/" + key),
                ++packetId,
                Properties.NONE,
                value.getBytes(UTF_8));
        loop.execute(() -> client.forward(publish, 0, null));
    }

    /** As if another gateway had spooled them some time ago: values from 0 on for each key, in turn. */
    private static void put(String kafkaTopic, List<String> keys, int count) {
        var rows = new ArrayList<String>();
        for (int i = 0; i < count; i++)
            for (var key : keys)
                rows.add("(%d, nextval('spool_seq'), 'c', '%s', '%s', '', '%d', 1, 1, now() - interval '1 minute')"
                        .formatted(SpoolRecord.stripe(key.getBytes(UTF_8)), kafkaTopic, key, i));
        SERVER.execute(
                "INSERT INTO spool (lane, seq, client_id, kafka_topic, key, headers, value, record_at, bytes, spooled_at) VALUES "
                        + String.join(", ", rows));
    }

    private static int waiting(String kafkaTopic) {
        return Integer.parseInt(SERVER.value("SELECT count(*) FROM spool WHERE kafka_topic = '" + kafkaTopic + "'"));
    }

    private static List<String> keys(int count) {
        var keys = new ArrayList<String>();
        for (int i = 0; i < count; i++) keys.add("key" + i);
        return keys;
    }

    private void awaitDirect() {
        await("all stripes direct").atMost(SOON).until(() -> !spool.isSpooling());
        assertThat(SERVER.value("SELECT count(*) FROM spool WHERE holder IS NULL"))
                .as("rows that nobody has in hand")
                .isEqualTo("0");
        // Of what the producer had in hand when the outage began, it is written down later that Kafka has it.
        await("an empty spool").atMost(SOON).until(() -> SERVER.value("SELECT count(*) FROM spool")
                .equals("0"));
    }

    @Test
    void whatIsLeftLaterIsDrainedByAGatewayThatPauses() {
        start("pause");
        put("good", List.of("a"), 1);
        await("drained").atMost(SOON).until(() -> producer.taken("good", "a"), List.of("0")::equals);
        awaitDirect();
        publish("good", "a", "1");
        await("direct").atMost(SOON).until(() -> producer.taken("good", "a"), List.of("0", "1")::equals);
    }

    @Test
    void aTopicThatTakesNothingHoldsUpNoOther() {
        producer.stuck.addAll(Set.of("bad-0", "bad-1"));
        put("bad", keys(40), 20);
        put("good", keys(40), 1);
        start("spool");
        await("the good topic's records").atMost(SOON).untilAsserted(() -> assertThat(producer.taken)
                .hasSize(40));
        assertThat(waiting("bad")).isEqualTo(40 * 20);

        await("direct for the good topic").atMost(SOON).until(() -> keys(40).stream()
                .noneMatch(key -> spool.takes(key.getBytes(UTF_8), "client", "good")));
        for (var key : keys(40)) {
            publish("good", key, "1");
            publish("bad", key, "20");
        }
        await("answers").atMost(SOON).until(() -> answered.get() == 80);
        assertThat(waiting("good")).isZero();
        assertThat(waiting("bad")).isEqualTo(40 * 21);

        producer.recover();
        awaitDirect();
        assertOrder("bad", 21);
        assertOrder("good", 2);
    }

    private void assertOrder(String kafkaTopic, int count) {
        var all = new ArrayList<String>();
        for (int i = 0; i < count; i++) all.add("" + i);
        for (var key : keys(40)) assertThat(producer.taken(kafkaTopic, key)).isEqualTo(all);
    }

    /** Keys of other partitions of its topic go on, through the spool. */
    @Test
    void aPartitionThatTakesNothingHoldsUpNoOther() {
        producer.stuck.add("t-0");
        put("t", keys(40), 20);
        start("spool");
        var others = keys(40).stream()
                .filter(key -> StuckProducer.partition(key) == 1)
                .toList();
        await("the other partition's records").atMost(SOON).untilAsserted(() -> assertThat(producer.taken)
                .hasSize(20 * others.size()));
        for (var key : keys(40)) publish("t", key, "20");
        await("answers").atMost(SOON).until(() -> answered.get() == 40);
        await("the other partition's later records").atMost(SOON).untilAsserted(() -> assertThat(producer.taken)
                .hasSize(21 * others.size()));

        producer.recover();
        awaitDirect();
        assertOrder("t", 21);
    }

    /** What waits for the partition that moves is under way, or goes through the spool. */
    @Test
    void aTopicThatStandsStillInPartKeepsTheOrderOfEachKey() {
        producer.stuck.add("t-0");
        start("spool");
        var value = 0;
        for (; value < 5; value++) for (var key : keys(40)) publish("t", key, "" + value);
        await("some that wait").atMost(SOON).until(() -> !producer.held.isEmpty());
        stillTopics = Set.of("t");
        for (; value < 20; value++) for (var key : keys(40)) publish("t", key, "" + value);
        await("answers to all").atMost(SOON).until(() -> answered.get() == 20 * 40);
        var others = keys(40).stream()
                .filter(key -> StuckProducer.partition(key) == 1)
                .toList();
        await("the other partition's records").atMost(SOON).untilAsserted(() -> assertThat(producer.taken)
                .hasSize(20 * others.size()));

        producer.recover();
        stillTopics = Set.of();
        for (; value < 25; value++) for (var key : keys(40)) publish("t", key, "" + value);
        awaitDirect();
        await("all").atMost(SOON).until(() -> producer.taken.size() == 25 * 40);
        assertOrder("t", 25);
    }

    /** Also if the producer gives up what it has of them. */
    @Test
    void recordsThatAreGivenUpLateAreSentAgainInOrder() {
        producer.stuck.add("t-0");
        put("t", keys(40), 20);
        start("spool");
        await("late records").atMost(SOON).until(() -> !SERVER.value(
                        "SELECT count(*) FROM spool WHERE holder IS NOT NULL")
                .equals("0"));
        producer.fail();
        producer.recover();
        awaitDirect();
        assertOrder("t", 20);
    }

    private void insure(String key, String value) {
        producer.stuck.add("t-" + StuckProducer.partition(key));
        publish("t", key, value);
        await("in flight").atMost(SOON).until(() -> producer.held.size() == 1);
        kafkaAnswers(false);
        await("the spool's answer").atMost(SOON).until(() -> answered.get() == 1);
    }

    @Test
    void whatIsAnsweredAtTheStopIsNotLeftInTheSpool() {
        start("spool");
        insure("a", "1");
        watch.stop(null);
        store.journal.stop(null);
        watch.settle(null); // the producer brings its record to Kafka yet
        watch = null;
        assertThat(producer.taken("t", "a")).containsExactly("1");
        assertThat(SERVER.value("SELECT count(*) FROM spool")).isEqualTo("0");
        assertThat(SERVER.value("SELECT count(*) FROM spool_holder")).isEqualTo("0");
    }

    /** The stripe has returned to Kafka by then. */
    @Test
    void nothingOvertakesAnInsuredRecordThatIsGivenUp() {
        start("spool");
        insure("a", "1");
        kafkaAnswers(true);
        await("direct").atMost(SOON).until(() -> !spool.isSpooling());
        producer.fail();
        producer.recover();
        publish("t", "a", "2");
        await("both").atMost(SOON).until(() -> producer.taken("t", "a"), List.of("1", "2")::equals);
        awaitDirect();
    }

    /** Without a partition, each key would choose its own. */
    @Test
    void theDrainChoosesThePartitionThatNobodyCouldChoose() {
        var expected =
                Map.of("1", Set.of(1), "spread", Set.of(0, 1), "{clientId}", Set.of(StuckProducer.partition("client")));
        expected.forEach((partition, chosen) -> {
            producer.knowsPartitions = false;
            start("spool", partition);
            kafkaAnswers(false);
            await("an outage").atMost(SOON).until(() -> spool.isAway());
            for (var key : keys(40)) publish("t", key, "1");
            await("the spool's answers").atMost(SOON).until(() -> answered.get() == 40);
            producer.knowsPartitions = true;
            kafkaAnswers(true);
            awaitDirect();
            assertThat(producer.taken).hasSize(40);
            assertThat(producer.asked).isSubsetOf(chosen).isNotEmpty();
            forget();
        });
    }

    private void forget() {
        watch.stop(null);
        watch.settle(null);
        watch = null;
        producer.taken.clear();
        producer.asked.clear();
        answered.set(0);
    }

    /** As if the producer of another gateway, which lives and is cut off from Kafka, had it. */
    private static void putHeld(String clientId, String key, String value) {
        SERVER.execute("""
                INSERT INTO spool_holder (id, node, alive_until) VALUES (99, 'other', now() + interval '1 hour')
                ON CONFLICT DO NOTHING""");
        SERVER.execute("""
                INSERT INTO spool (lane, seq, holder, client_id, kafka_topic, key, headers, value, record_at, bytes, spooled_at)
                VALUES (%d, nextval('spool_seq'), 99, '%s', 't', '%s', '', '%s', 1, 1, now() - interval '1 minute')""".formatted(SpoolRecord.stripe(key.getBytes(UTF_8)), clientId, key, value));
    }

    @Test
    void aGatewayThatIsCutOffSendsOnlyItsOwnClientsThroughTheSpool() {
        for (var key : keys(40)) putHeld("elsewhere", key, "0");
        start("spool");
        await("direct").atMost(SOON).until(() -> !spool.isSpooling());
        for (var key : keys(40)) publish("good", key, "1");
        await("records").atMost(SOON).untilAsserted(() -> assertThat(producer.taken)
                .hasSize(40));
        assertThat(waiting("good")).isZero();
        assertThat(waiting("t")).isEqualTo(40);
    }

    @Test
    void aClientThatComesFromAGatewayThatIsCutOffPassesNothing() {
        putHeld("client", "a", "0");
        start("spool");
        await("direct").atMost(SOON).until(() -> !spool.isSpooling());
        publish("t", "a", "1");
        publish("t", "a", "2");
        await("the spool's answers").atMost(SOON).until(() -> answered.get() == 2);
        assertThat(producer.taken).isEmpty();
        assertThat(waiting("t")).isEqualTo(3);

        SERVER.execute("DELETE FROM spool_holder WHERE id = 99");
        await("in order").atMost(SOON).until(() -> producer.taken("t", "a"), List.of("0", "1", "2")::equals);
        await("drained").atMost(SOON).until(() -> waiting("t") == 0);
        await("no client in the spool").atMost(SOON).until(() -> !spool.hasGatedClients());
        publish("t", "a", "3");
        await("direct").atMost(SOON).until(() -> producer.taken("t", "a"), List.of("0", "1", "2", "3")::equals);
        assertThat(waiting("t")).isZero();
    }

    /** What a gateway that is cut off goes on spooling is drained by those that are not, whose own records go to Kafka meanwhile. */
    @Test
    void whatOthersGoOnSpoolingIsDrainedBesideDirectRecords() {
        start("spool");
        for (int i = 0; i < 20; i++) {
            SERVER.execute("""
                    INSERT INTO spool (lane, seq, client_id, kafka_topic, key, headers, value, record_at, bytes)
                    VALUES (%d, nextval('spool_seq'), 'elsewhere', 't', 'a', '', '%d', 1, 1)""".formatted(SpoolRecord.stripe("a".getBytes(UTF_8)), i));
            var sent = i;
            publish("good", "a", "" + i);
            await("direct").atMost(SOON).until(() -> producer.taken("good", "a").size() == sent + 1);
            assertThat(spool.isSpooling()).isFalse();
        }
        await("drained").atMost(SOON).until(() -> producer.taken("t", "a").size() == 20);
        assertThat(producer.taken("t", "a"))
                .isEqualTo(IntStream.range(0, 20).mapToObj(Integer::toString).toList());
    }
}

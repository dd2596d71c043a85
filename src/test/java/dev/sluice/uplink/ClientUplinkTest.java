package dev.sluice.uplink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.SpoolRow;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.route.KafkaTopic;
import dev.sluice.uplink.spool.SpoolRecord;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.junit.jupiter.api.Test;

/** What a connection hands over and what waits, with the topic {@code k/<key>} for each key. */
class ClientUplinkTest {
    private static final String DIRECT = "a";
    private static final String SPOOLING = keyOfAnotherStripe();

    private final UplinkRig rig = new UplinkRig(Map.of(
            "routes.keys.filter", "k/{key}",
            "routes.keys.kafka-topic", "t",
            "routes.keys.key", "{key}",
            "bytes-in-flight-per-connection", "1000000",
            "bytes-in-flight", "1"));
    private final List<Forwarding> answered = new ArrayList<>();
    private final ClientUplink client = rig.uplink.open("client", null, 1, true, Runnable::run, answered::add);
    private int packetId;

    private static String keyOfAnotherStripe() {
        var key = "b";
        while (stripe(key) == stripe(DIRECT)) key += "b";
        return key;
    }

    private static int stripe(String key) {
        return SpoolRecord.stripe(key.getBytes(UTF_8));
    }

    private void publish(String key) {
        client.forward(publishTo(key), 0, null);
    }

    private Packet.Publish publishTo(String key) {
        return new Packet.Publish(
                false, QoS.AT_LEAST_ONCE, false, TopicName.of("k/" + key), ++packetId, Properties.NONE, new byte[10]);
    }

    /** As a connection's messages wait for the will of the one before. */
    @Test
    void whatMayNotGoYetWaitsInItsOrder() {
        var mayGo = new AtomicBoolean();
        var next = rig.uplink.open("client", null, 2, true, Runnable::run, answered::add, mayGo::get);
        next.forward(publishTo(DIRECT), 0, null);
        next.retry();
        assertThat(rig.producer.sent).isEmpty();
        assertThat(next.holdsBack(publishTo(DIRECT))).isTrue();
        mayGo.set(true);
        next.retry();
        assertThat(rig.producer.sent).hasSize(1);
    }

    /** Sent again, it has another timestamp: its client must not give it up, nor get ahead of it. */
    @Test
    void whatHasWaitedTooLongForItsKafkaTopicFailsForNow() {
        rig.producer.refusal = new Refusal(Failure.Kind.REJECTED_BY_KAFKA, null, "too old");
        publish(DIRECT);
        assertThat(answered).singleElement().satisfies(it -> {
            assertThat(it.failedForNow()).isTrue();
            assertThat(it.isRefused()).isFalse();
        });
        rig.producer.refusal = null;
        publish(DIRECT);
        assertThat(rig.producer.sent).isEmpty();
    }

    /** What waits for Kafka keeps to its bounds, whatever other stripes do. */
    @Test
    void onlyWhatTheSpoolGetsPassesTheBoundsOfKafka() {
        rig.spool.stripe(SPOOLING.getBytes(UTF_8)).spool();
        publish(DIRECT);
        publish(DIRECT);
        client.retry();
        assertThat(rig.producer.sent).as("one is the bound").hasSize(1);
        rig.producer.answer();
        client.retry();
        assertThat(rig.producer.sent).hasSize(2);

        publish(SPOOLING);
        client.retry();
        assertThat(rig.spool.writes)
                .flatMap(JournalWrite.Spool::rows)
                .as("not what others go to Kafka behind")
                .singleElement()
                .matches(row -> !row.isHeld());
        rig.spool.stripe(DIRECT.getBytes(UTF_8)).spool();
        publish(DIRECT);
        client.retry();
        assertThat(rig.spool.writes)
                .flatMap(JournalWrite.Spool::rows)
                .extracting(SpoolRow::isHeld)
                .as("the one in flight before the next one of its stripe")
                .containsExactly(false, true, false);
    }

    /** It is offered again when the spool says so, and no record is made before that. */
    @Test
    void whatTheSpoolHasNoRoomForWaits() {
        rig.spool.stripe(SPOOLING.getBytes(UTF_8)).spool();
        rig.spool.room = false;
        publish(SPOOLING);
        for (int i = 0; i < 10; i++) client.retry();
        assertThat(rig.spool.writes).isEmpty();
        rig.spool.room = true;
        rig.spool.retryWaiting();
        assertThat(rig.spool.writes).hasSize(1);
    }

    /** As with {@code outage=pause}, when another gateway has left something in the spool. */
    @Test
    void aConnectionFindsTheWayToTheSpoolOnceKafkaHasItsOtherRecords() {
        var both = new UplinkRig(
                Map.of("routes.keys.filter", "k/{key}", "routes.keys.kafka-topic", "t", "routes.keys.key", "{key}"));
        both.spool.on = false;
        var one = both.uplink.open("client", null, 1, true, Runnable::run, answered::add);
        one.forward(publishTo(DIRECT), 0, null);
        both.spool.on = true;
        both.spool.stripe(SPOOLING.getBytes(UTF_8)).spool();
        one.forward(publishTo(DIRECT), 0, null);
        one.forward(publishTo(SPOOLING), 0, null);
        one.retry();
        assertThat(both.producer.sent).as("of the stripe that goes to Kafka").hasSize(2);
        assertThat(both.spool.writes).isEmpty();

        both.producer.answer();
        both.producer.answer();
        one.retry();
        assertThat(both.spool.writes)
                .flatMap(JournalWrite.Spool::rows)
                .singleElement()
                .matches(row -> !row.isHeld());
        assertThat(both.producer.sent).hasSize(2);
    }

    /** As after a start while Kafka is away. */
    @Test
    void theSpoolTakesRecordsWhosePartitionNobodyCanChooseYet() {
        for (var partition : List.of("3", "spread", "{clientId}")) {
            var some = new UplinkRig(Map.of(
                    "routes.keys.filter",
                    "k/{key}",
                    "routes.keys.kafka-topic",
                    "t",
                    "routes.keys.partition",
                    partition));
            var one = some.uplink.open("client", null, 1, true, Runnable::run, answered::add);
            one.forward(publishTo(DIRECT), 0, null);
            var waits = !partition.equals("3");
            assertThat(some.producer.sent).as("partition " + partition).hasSize(waits ? 0 : 1);

            some.spool.beginOutage();
            one.retry();
            one.forward(publishTo(DIRECT), 0, null);
            assertThat(some.spool.writes)
                    .flatMap(JournalWrite.Spool::rows)
                    .as("partition " + partition)
                    .hasSize(2)
                    .allMatch(row -> waits ? row.partition() == null : row.partition() == 3);
        }
    }

    /** The client's next connection may be publishing already. */
    @Test
    void nothingIsHandedOverOnceItIsClosed() {
        publish(DIRECT);
        publish(DIRECT);
        client.close();
        client.close();
        assertThat(answered).singleElement().matches(Forwarding::failedForNow);
        rig.producer.answer();
        client.retry();
        assertThat(rig.producer.sent).hasSize(1);
        assertThat(client.isWaiting()).isFalse();

        rig.spool.room = false;
        rig.spool.beginOutage();
        rig.spool.retryWaiting();
        assertThat(rig.spool.rowsMade).isZero();
    }

    @Test
    void aFullSpoolIsAskedBeforeRowsAreMade() {
        publish(DIRECT);
        rig.spool.room = false;
        rig.spool.beginOutage();
        for (int i = 0; i < 10; i++) rig.spool.retryWaiting();
        assertThat(rig.spool.rowsMade).isZero();
        rig.spool.room = true;
        rig.spool.retryWaiting();
        assertThat(rig.spool.rowsMade).isEqualTo(1);
        assertThat(rig.spool.writes).hasSize(1);
    }

    /** Else the later ones would be in one of its Kafka topics without it. */
    @Test
    void nothingPassesAMessageThatFailedInOneOfItsRoutes() {
        var two = new UplinkRig(Map.of(
                "routes.a.filter",
                "k/{key}",
                "routes.a.kafka-topic",
                "a",
                "routes.b.filter",
                "k/{key}",
                "routes.b.kafka-topic",
                "b"));
        var one = two.uplink.open("client", null, 1, true, Runnable::run, answered::add);
        two.producer.crowded.add("b");
        one.forward(publishTo("x"), 0, null);
        two.producer.fail();
        assertThat(answered).as("told at once").singleElement().matches(Forwarding::failedForNow);
        two.producer.crowded.clear();
        one.forward(publishTo("x"), 0, null);
        one.retry();
        assertThat(two.producer.sent).hasSize(1);
        one.close();
        assertThat(answered).as("told once").hasSize(2);
        assertThat(one.isWaiting()).isFalse();
    }

    @Test
    void nothingPassesAMessageThatFailedWhileItsOtherRecordIsStuck() {
        var two = new UplinkRig(Map.of(
                "routes.a.filter",
                "k/{key}",
                "routes.a.kafka-topic",
                "a",
                "routes.b.filter",
                "k/{key}",
                "routes.b.kafka-topic",
                "b"));
        var one = two.uplink.open("client", null, 1, true, Runnable::run, answered::add);
        one.forward(publishTo("x"), 0, null);
        two.producer.fail();
        assertThat(answered).singleElement().matches(Forwarding::failedForNow);
        one.forward(publishTo("x"), 0, null);
        assertThat(two.producer.sent).hasSize(2);
        assertThat(one.isWaiting()).isTrue();
        two.producer.answer();
        one.close();
        assertThat(answered).hasSize(2);
        assertThat(one.isWaiting()).isFalse();
    }

    /** Whatever Kafka does not take, be it two topics, ten, or a partition. */
    @Test
    void whatKafkaDoesNotTakeStopsOnlyItself() {
        var stuck = new UplinkRig(Map.of(
                "routes.keys.filter", "k/{name}/{rest...}",
                "routes.keys.kafka-topic", "{name}",
                "routes.keys.key", "{topic}"));
        for (int i = 0; i < 10; i++) stuck.publishUntilHeld("k/stuck" + i + "/x");
        assertThat(stuck.held("k/stuck0/x")).isTrue();
        assertThat(stuck.held("k/good/x")).isFalse();

        var partitions = new UplinkRig(
                Map.of("routes.keys.filter", "k/#", "routes.keys.kafka-topic", "t", "routes.keys.key", "{topic}"));
        partitions.topics.tell(Map.of("t", new KafkaTopic(12, false)), _ -> false);
        var keys = new HashMap<Integer, String>();
        for (int i = 0; keys.size() < 12; i++)
            keys.put(BuiltInPartitioner.partitionForKey(("k/" + i).getBytes(UTF_8), 12), "k/" + i);
        for (int i = 0; i < 11; i++) partitions.publishUntilHeld(keys.get(i));
        assertThat(partitions.held(keys.get(3))).isTrue();
        assertThat(partitions.held(keys.get(11))).isFalse();
    }

    /** Records without a key can go anywhere. */
    @Test
    void recordsWithoutAKeyKeepOffAPartitionThatTakesNothing() {
        var rest = new UplinkRig(Map.of(
                "routes.fixed.filter",
                "fixed",
                "routes.fixed.kafka-topic",
                "t",
                "routes.fixed.partition",
                "0",
                "routes.any.filter",
                "any",
                "routes.any.kafka-topic",
                "t",
                "routes.any.key",
                ""));
        rest.topics.tell(Map.of("t", new KafkaTopic(2, false)), _ -> false);
        rest.publishUntilHeld("fixed");
        rest.producer.sent.clear();
        var one = rest.uplink.open("client", null, 1, true, Runnable::run, answered::add);
        for (int i = 0; i < 100; i++) one.forward(qos0("any", Properties.NONE), i * 10, null);
        assertThat(rest.producer.sent).hasSize(100).allMatch(it -> it.partition() == 1);
    }

    private static Packet.Publish qos0(String topic, Properties properties) {
        return new Packet.Publish(false, QoS.AT_MOST_ONCE, false, TopicName.of(topic), 0, properties, new byte[10]);
    }

    private static Properties userProperties() {
        var properties = Properties.NONE;
        for (int i = 0; i < 64; i++) properties = properties.withUserProperty("", "");
        return properties;
    }

    /** 17 of 1 MiB used to end a gateway of 512 MiB. */
    @Test
    void propertiesCountInTheBytesInFlight() {
        var bounded = new UplinkRig(Map.of(
                "routes.keys.filter", "k/{key}",
                "routes.keys.kafka-topic", "t",
                "bytes-in-flight-per-connection", "20000"));
        var one = bounded.uplink.open("client", null, 1, true, Runnable::run, answered::add);
        for (int i = 0; i < 10; i++) one.forward(qos0("k/" + i, userProperties()), 0, null);
        assertThat(bounded.producer.sent).hasSizeLessThan(5);
        assertThat(one.holdsBack(qos0("k/0", Properties.NONE))).isTrue();
    }

    /** It would be kept for as long as the connection lasts, for each of 64 topics. */
    @Test
    void neitherLongTopicsNorLargePropertiesAreRemembered() throws Exception {
        var bounded = new UplinkRig(Map.of("routes.keys.filter", "k/{key}", "routes.keys.kafka-topic", "t"));
        var one = bounded.uplink.open("client", null, 1, true, Runnable::run, answered::add);
        var references = new ArrayList<WeakReference<Object>>();
        for (int i = 0; i < 8; i++) {
            var long1 = qos0("k/" + "x".repeat(60_000) + i, Properties.NONE);
            var large = qos0("k/" + i, userProperties());
            references.add(new WeakReference<>(long1.topicName()));
            references.add(new WeakReference<>(large.properties()));
            one.forward(long1, 0, null);
            one.forward(large, 0, null);
        }
        bounded.producer.sent.clear();
        while (!bounded.producer.unanswered.isEmpty()) bounded.producer.answer();
        answered.clear();
        await().untilAsserted(() -> {
            System.gc();
            assertThat(references).allSatisfy(it -> assertThat(it.get()).isNull());
        });
        assertThat(one.isWaiting()).isFalse();
    }
}

package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.Counter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A client that is owed retained messages, and acknowledges none, while these are replaced by newer ones. */
@Tag("postgres")
class SlowSubscriberTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    /** Messages that wait for a client, and topics that are noted. */
    private static final int QUEUE = 20;
    /** Messages that a client may leave without an answer. */
    private static final int QUOTA = 2;
    /** PUBLISHes before their answers are awaited. */
    private static final int AT_ONCE = 100;
    /** More than are read at a time. */
    private static final int TOPICS = 700;
    /** Served behind all others, as it is asked for last. */
    private static final String LAST = "last";

    private AgroalDataSource pool;
    private StoreRig store;
    private BrokerRig rig;
    private BrokerRig.Client publisher;
    private BrokerRig.Client subscriber;
    /** What it has got, by topic. */
    private final Map<String, List<String>> texts = new TreeMap<>();

    @BeforeEach
    void start() {
        SERVER.empty();
        pool = Pools.patient(SERVER);
        store = new StoreRig(pool, StoreRig.Settings.ONE_LANE);
        var keys = Map.of("sluice.mqtt.send-quota", "" + QUOTA, "sluice.mqtt.queue-count", "" + QUEUE);
        var relay = new LocalRelay(new LocalRelay.Board(), "here");
        rig = new BrokerRig(relay, store, store.retainedTopics, Map.of("unmatched", "drop"), keys);
        rig.settle();
        publisher = rig.connect("publisher", false);
        publisher.publish(1, QoS.AT_LEAST_ONCE, true, LAST, LAST).next(Packet.PubAck.class);
    }

    @AfterEach
    void stop() {
        rig.close();
        store.close();
        pool.close();
    }

    private static String topic(int number) {
        return "t/%05d".formatted(number);
    }

    /** Returns once all are accepted, and have been given to subscribers. */
    private void retain(int count, String payload) {
        retain(publisher, count, payload);
    }

    private static void retain(BrokerRig.Client publisher, int count, String payload) {
        for (int n = 0; n < count; n += AT_ONCE) {
            var end = Math.min(count, n + AT_ONCE);
            for (int i = n; i < end; i++) publisher.publish(i - n + 1, QoS.AT_LEAST_ONCE, true, topic(i), payload);
            for (int i = n; i < end; i++) publisher.next(Packet.PubAck.class);
        }
    }

    private void subscribe(String... filters) {
        subscriber = rig.connect("subscriber", false);
        subscriber.subscribe(1, QoS.AT_LEAST_ONCE, filters).next(Packet.SubAck.class);
        await().until(() -> subscriber.received() == QUOTA);
    }

    private double memory() {
        return rig.broker.parts.memory().bytes();
    }

    private double restarts() {
        return rig.meters.find("sluice.retained.restarts").counters().stream()
                .mapToDouble(Counter::count)
                .sum();
    }

    /** The next packet; a message is answered. */
    private void take() {
        var packet = subscriber.next(Packet.class);
        if (!(packet instanceof Packet.Publish publish)) return;
        subscriber.send(new Packet.PubAck(publish.packetId()));
        texts.computeIfAbsent(publish.topicName().toString(), _ -> new ArrayList<>())
                .add(new String(publish.payload(), StandardCharsets.UTF_8));
    }

    /** Takes all that comes until there is what is asked for last. */
    private void takeAll() {
        subscriber.subscribe(2, QoS.AT_LEAST_ONCE, LAST);
        while (!texts.containsKey(LAST)) take();
        texts.remove(LAST);
    }

    private void assertOnceAndInOrder() {
        texts.forEach((topic, all) ->
                assertThat(all).as(topic).doesNotHaveDuplicates().isSorted());
    }

    /** Far more than are noted, and more than ever were. */
    @ParameterizedTest
    @ValueSource(ints = {TOPICS, 11_000})
    void theNewestOfEachTopicComesOnceHoweverManyAreReplaced(int topics) {
        retain(topics, "1");
        subscribe("t/#");
        retain(topics, "2");
        retain(topics, "3");
        takeAll();
        assertThat(texts).hasSize(topics);
        assertOnceAndInOrder();
        assertThat(texts.values()).allMatch(all -> all.getLast().equals("3"));
        assertThat(restarts()).isEqualTo(1);
        await().until(() -> memory() == 0);
    }

    /** It has its messages, whatever comes, and then the next subscription has its. */
    @Test
    void itEndsWhileMessagesKeepComing() {
        retain(TOPICS, "000000");
        subscribe("t/#");
        var busy = rig.connect("busy", false);
        var over = new AtomicBoolean();
        var publishing = CompletableFuture.runAsync(() -> {
            for (int n = 1; !over.get(); n++) retain(busy, TOPICS, "%06d".formatted(n));
        });
        await().until(() -> restarts() > 0);
        takeAll();
        over.set(true);
        publishing.join();
        assertThat(texts).hasSize(TOPICS);
        assertOnceAndInOrder();
    }

    /** However many subscriptions it is noted for. */
    @Test
    void whatIsNotedIsChargedOnceAndLetGo() {
        var overlapping = IntStream.range(0, 50).mapToObj("t/%d/#"::formatted);
        var filters = Stream.concat(Stream.of("t/#", "t/+", "+/+", "+/#"), overlapping)
                .toArray(String[]::new);
        retain(TOPICS, "1");
        subscribe(filters);
        var before = memory();
        retain(QUEUE, "2");
        var queued = memory();
        retain(QUEUE - 1, "3");
        assertThat(queued).isGreaterThan(before);
        assertThat(memory() - queued).isBetween(QUEUE * 100.0, QUEUE * 300.0);
        assertThat(restarts()).isZero();
        subscriber.leave();
        await().until(() -> memory() == 0);
    }

    @Test
    void unsubscribeLeavesToOthersWhatTheyOwe() {
        retain(TOPICS, "1");
        subscribe("t/#", "t/+");
        retain(TOPICS, "2");
        for (int n = 0; n < TOPICS / 2; n++) take();
        subscriber.send(new Packet.Unsubscribe(3, List.of("t/#"), Properties.NONE));
        takeAll();
        assertThat(texts).hasSize(TOPICS);
        assertThat(texts.values()).allMatch(all -> all.getLast().equals("2"));
    }
}

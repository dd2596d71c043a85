package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.support.Gateway;
import dev.sluice.support.Spec;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Retained messages on their way to a client that subscribes, while other things happen. */
class RetainedTransferIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ZERO = QoS.AT_MOST_ONCE;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    /** More than the gateway reads at a time. */
    private static final int MANY = 300;

    private final String topic = "talk/" + Device.id("retained");

    private final String clientId = Device.id("subscriber");

    private String topic(int number) {
        return topic + "/%03d".formatted(number);
    }

    /** While another gateway lives, as one of a test before may, what is retained meanwhile is given rather twice than not at all. */
    @BeforeAll
    static void awaitTheOnlyGateway() {
        await("the only gateway").until(() -> Gateway.shared().metric("sluice_nodes_alive") == 1);
    }

    /** Retains messages on topics by number. */
    private void retain(int count, QoS qos, String payload) {
        try (var publisher = Peer.online(V5)) {
            publisher.retainAll(
                    qos, IntStream.range(0, count).mapToObj(this::topic).toList(), payload);
        }
    }

    private static Packet.Publish retained(QoS qos, int packetId, String topic, String payload) {
        return new Packet.Publish(
                false,
                qos,
                true,
                TopicName.of(topic),
                qos == ZERO ? 0 : packetId,
                Properties.NONE,
                payload.getBytes(StandardCharsets.UTF_8));
    }

    private Packet.Connect connect(boolean durable, int receiveMaximum) {
        var properties = durable ? Device.expiry(600) : Properties.NONE;
        return Device.connect(V5, clientId, !durable, properties.with(Property.RECEIVE_MAXIMUM, (long) receiveMaximum));
    }

    private static final String MARKER = "marker";

    /** What follows, answered, until all that the client is owed has come: a further subscription is served last. */
    private List<Packet.Publish> rest(Peer subscriber) {
        return rest(subscriber, ONE);
    }

    /** @param qos that of what is owed, so that the last one cannot overtake it */
    private List<Packet.Publish> rest(Peer subscriber, QoS qos) {
        var marker = topic + "-" + Device.id(MARKER);
        try (var publisher = Peer.online(V5)) {
            publisher.retain(ONE, marker, MARKER);
        }
        subscriber.subscribe(qos, marker);
        return Stream.generate(subscriber::taken)
                .takeWhile(publish -> !Peer.text(publish).equals(MARKER))
                .toList();
    }

    private static Map<String, List<String>> byTopic(List<Packet.Publish> publishes) {
        return publishes.stream()
                .collect(Collectors.groupingBy(
                        publish -> publish.topicName().toString(),
                        TreeMap::new,
                        Collectors.mapping(Peer::text, Collectors.toList())));
    }

    /** One that the gateway has read, and one that it has not when the newer ones come. */
    @Spec(value = "MQTT-4.6.0-5", v311 = "MQTT-4.6.0-6")
    @ParameterizedTest
    @CsvSource({"false, 1", "false, 0", "true, 1", "true, 0"})
    void anOldMessageDoesNotComeBehindANewerOne(boolean durable, int published) {
        retain(MANY, ONE, "old");
        try (var subscriber = Peer.connect(connect(durable, 1));
                var publisher = Peer.online(V5)) {
            subscriber.subscribe(ONE, topic + "/#");
            var all = new ArrayList<>(List.of(subscriber.delivered()));
            for (var n : List.of(2, MANY - 1)) publisher.retain(QoS.of(published), topic(n), "new");
            publisher.retain(ONE, topic(3), "");
            subscriber.answer(all.getFirst());
            all.addAll(rest(subscriber));
            var cleared = all.stream()
                    .filter(publish -> publish.payload().length == 0)
                    .toList();
            var ofCleared = all.stream()
                    .filter(publish -> publish.topicName().toString().equals(topic(3)))
                    .toList();
            assertThat(cleared).hasSize(1);
            assertThat(ofCleared.getLast()).isEqualTo(cleared.getFirst());
            all.removeAll(ofCleared);
            var texts = byTopic(all);
            // Of the first page, the old one may have been on its way.
            for (var n : List.of(2, MANY - 1)) assertThat(texts.get(topic(n))).endsWith("new");
            assertThat(texts.get(topic(MANY - 1))).hasSize(1);
            assertThat(texts.get(topic(2))).doesNotHaveDuplicates();
            texts.keySet().removeAll(List.of(topic(2), topic(MANY - 1)));
            assertThat(texts).hasSize(MANY - 3);
            assertThat(texts.values()).allMatch(List.of("old")::equals);
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 0", "false, 1", "true, 0", "true, 1"})
    void aMessageThatIsNotCommittedYetIsFound(boolean durable, int published) throws SQLException {
        try (var publisher = Peer.online(V5);
                var subscriber = Peer.connect(connect(durable, 10));
                var postgres = Gateway.shared().postgres();
                var lock = postgres.prepareStatement("SELECT FROM retained WHERE topic = ? FOR UPDATE")) {
            publisher.retain(ONE, topic, "old");
            postgres.setAutoCommit(false);
            lock.setString(1, topic);
            lock.execute();
            publisher.wire().sendPackets(retained(QoS.of(published), 7, topic, "new"));
            // The gateway has taken it.
            publisher.wire().sendPackets(new Packet.PingReq());
            publisher.await(Packet.PingResp.class);
            if (durable) {
                // Its own write may share the lane of the publisher, and then waits, too.
                subscriber.wire().sendPackets(new Packet.Subscribe(9, List.of(Peer.to(topic, ONE)), Properties.NONE));
                postgres.rollback();
                subscriber.await(Packet.SubAck.class);
            } else {
                subscriber.subscribe(ONE, topic);
            }
            assertThat(subscriber.text()).isEqualTo("new");
            postgres.rollback();
            assertThat(rest(subscriber)).isEmpty();
        }
    }

    /** Also at once, in the same bytes. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPublisherFindsWhatItHasRetained(boolean durable) {
        try (var client = Peer.connect(connect(durable, 10))) {
            for (int i = 0; i < 10; i++) {
                var own = topic(i);
                client.wire()
                        .sendPackets(
                                retained(ZERO, 0, own, "own"),
                                new Packet.Subscribe(100 + i, List.of(Peer.to(own, ONE)), Properties.NONE));
                client.await(Packet.SubAck.class);
                var found = client.taken();
                assertThat(found.topicName()).hasToString(own);
                assertThat(found.retain()).isTrue();
            }
            assertThat(rest(client)).isEmpty();
        }
    }

    /** With Receive Maximum 1, as many as there are bytes wait for the client. */
    @Spec("MQTT-3.3.1-9")
    @ParameterizedTest
    @CsvSource({
        "1000, false, 1",
        "20000, false, 1",
        "38000, false, 1",
        "38000, true, 1",
        "38000, false, 0",
        "38000, true, 0"
    })
    void aSlowClientGetsAll(int bytes, boolean durable, int qos) {
        var payload = "x".repeat(bytes);
        retain(64, ONE, payload);
        try (var subscriber = Peer.connect(connect(durable, 1))) {
            var dropped = dropped();
            subscriber.subscribe(QoS.of(qos), topic + "/#");
            // Nobody reads until everything that may wait for the client does.
            if (qos == 0) await().pollDelay(Duration.ofMillis(300)).until(() -> true);
            var all = rest(subscriber, QoS.of(qos));
            assertThat(all).hasSize(64);
            assertThat(all).allMatch(publish -> publish.payload().length == bytes && publish.retain());
            assertThat(byTopic(all)).hasSize(64);
            assertThat(dropped()).isEqualTo(dropped);
        }
    }

    private static double dropped() {
        return Gateway.shared().metric("sluice_deliveries_dropped_total", "reason=\"queue_full\"");
    }

    @Spec("MQTT-3.10.4-2")
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void unsubscribeEndsIt(boolean durable) {
        retain(MANY, ONE, "old");
        try (var subscriber = Peer.connect(connect(durable, 1))) {
            subscriber.subscribe(ONE, topic + "/#");
            var first = subscriber.delivered();
            subscriber.unsubscribe(topic + "/#");
            subscriber.answer(first);
            assertThat(rest(subscriber)).hasSizeLessThan(2);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSubscriptionThatIsReplacedEndsOrGoesOn(boolean durable) {
        retain(MANY, ONE, "old");
        try (var subscriber = Peer.connect(connect(durable, 1))) {
            subscriber.subscribe(5, new Subscription(topic + "/#", ONE, false, false, 0));
            var first = subscriber.delivered();
            // It exists, so this asks for nothing; what is owed is owed.
            subscriber.subscribe(6, new Subscription(topic + "/#", ONE, false, false, 1));
            subscriber.answer(first);
            var second = subscriber.taken();
            var third = subscriber.delivered();
            assertThat(third.topicName()).hasToString(topic(2));
            assertThat(third.properties().subscriptionIdentifiers()).containsExactly(6);
            assertThat(second.topicName()).hasToString(topic(1));
            subscriber.subscribe(7, new Subscription(topic + "/#", ONE, false, false, 2));
            subscriber.answer(third);
            assertThat(rest(subscriber)).hasSizeLessThan(2);
        }
    }

    /** Whether it subscribes again, as many libraries do, or not; while some are cleared that it has, and some come that it has passed. */
    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "1, true"})
    void aPersistentSessionGoesOnWithTheNextConnection(int qos, boolean subscribesAgain) {
        retain(MANY, QoS.of(qos), "old");
        var first = new ArrayList<Packet.Publish>();
        try (var subscriber = Peer.connect(connect(true, 10))) {
            subscriber.subscribe(QoS.of(qos), topic + "/#");
            if (qos == 2) for (int i = 0; i < 5; i++) first.add(subscriber.taken());
        }
        try (var publisher = Peer.online(V5)) {
            publisher.retain(ONE, topic(0), "");
            publisher.retain(ONE, topic(MANY - 1), "new");
        }
        try (var subscriber = Peer.resumed(connect(true, 10))) {
            if (subscribesAgain) subscriber.subscribe(new Subscription(topic + "/#", ONE, false, false, 1));
            var got = new TreeMap<>(byTopic(first));
            // In the first place what is new: all of them come, in whatever order.
            while (got.size() < MANY || !got.get(topic(MANY - 1)).contains("new")) {
                var publish = subscriber.taken();
                got.computeIfAbsent(publish.topicName().toString(), _ -> new ArrayList<>())
                        .add(Peer.text(publish));
            }
            assertThat(got.get(topic(MANY - 1))).doesNotHaveDuplicates();
            if (qos == 2) {
                got.remove(topic(0)); // also told that it is cleared
                assertThat(got.values()).allMatch(texts -> texts.size() == 1);
            }
            rest(subscriber);
        }
        await().untilAsserted(() -> assertThat(Gateway.shared()
                        .query(
                                "SELECT count(*) FROM subscription WHERE filter = ? AND retained_since IS NOT NULL",
                                topic + "/#"))
                .isEqualTo("0"));
    }

    private static double reads() {
        return Gateway.shared().metric("sluice_retained_reads_total");
    }

    @Test
    void whatMatchesNothingAsksPostgresNothing() {
        retain(3, ONE, "old");
        try (var subscriber = Peer.online(V5)) {
            var before = reads();
            subscriber.subscribe(ONE, topic, topic + "/+/none", topic + "/none/#", "+/none/" + "a".repeat(300));
            subscriber.subscribe(ONE, topic + "/001");
            assertThat(subscriber.text()).isEqualTo("old");
            assertThat(reads()).isEqualTo(before + 1);
        }
    }

    @Test
    void nothingIsReadForAClientThatHasLeft() {
        retain(MANY, ONE, "old");
        double before;
        try (var subscriber = Peer.connect(connect(false, 1))) {
            subscriber.subscribe(ONE, topic + "/#");
            subscriber.delivered();
            before = reads();
        }
        await().until(() -> Gateway.shared().metric("sluice_queue_memory_bytes") == 0);
        try (var other = Peer.online(V5)) {
            assertThat(rest(other)).isEmpty();
        }
        assertThat(reads()).isEqualTo(before + 1);
    }

    /** Kafka's answer comes first: what Kafka refuses is not retained. */
    @Test
    void whatKafkaRefusesIsNotRetained() {
        var small = "small/" + Device.id("retained");
        try (var publisher = Peer.online(V5);
                var subscriber = Peer.online(V5)) {
            publisher.retain(ONE, small, "fits");
            publisher.wire().sendPackets(retained(ONE, 99, small, "x".repeat(2 * Gateway.SMALL_RECORD)));
            assertThat(publisher.await(Packet.PubAck.class).reason().isError()).isTrue();
            subscriber.subscribe(ONE, small);
            assertThat(subscriber.text()).isEqualTo("fits");
            publisher.retain(ONE, small, "fits, too");
            assertThat(subscriber.text()).isEqualTo("fits, too");
        }
        assertThat(Gateway.shared().query("SELECT convert_from(payload, 'UTF8') FROM retained WHERE topic = ?", small))
                .isEqualTo("fits, too");
    }
}

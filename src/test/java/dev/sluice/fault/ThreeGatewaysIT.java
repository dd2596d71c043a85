package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.support.Publisher;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What one of three gateways does concerns the others: devices with stored sessions move between two, and a SUBACK is about all. With
 * {@code -Dsuback.rounds=10000 -Dsuback.gateways=10} there are more, and it is the long run.
 */
class ThreeGatewaysIT {
    private static final int GATEWAYS = Integer.getInteger("suback.gateways", 3);
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final int ROUNDS = Integer.getInteger("moves", 30);
    private static final int MESSAGES = 60;
    private static final int TAKE_OVERS = 10;
    /** Messages under way. */
    private static final int WINDOW = 50;

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static GatewayFleet gateways;
    private static List<Integer> ports;

    @BeforeAll
    static void start() {
        gateways = GatewayFleet.start("three", GATEWAYS, "-Dsluice.limits.take-over-delay-maximum=0s");
        ports = gateways.names().stream().map(gateways::port).toList();
    }

    @AfterAll
    static void stop() {
        gateways.close();
    }

    private static Packet.Connect stored(String clientId, boolean cleanStart, Will will) {
        var session = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, 600L);
        return new Packet.Connect(V5, cleanStart, 0, clientId, will, null, null, session);
    }

    private static WireClient online(int gateway, String clientId, boolean cleanStart) {
        return online(gateway, stored(clientId, cleanStart, null));
    }

    private static WireClient online(int gateway, Packet.Connect connect) {
        var client = WireClient.open(ports.get(gateway), V5);
        var answer = client.connect(connect).receive(Packet.ConnAck.class);
        assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
        return client;
    }

    private static WireClient subscribed(int gateway, String clientId, String filter) {
        var client = online(gateway, clientId, true);
        var subscription = new Subscription(filter, QoS.AT_LEAST_ONCE, false, false, 0);
        client.sendPackets(new Packet.Subscribe(1, List.of(subscription), Properties.NONE));
        client.receive(Packet.SubAck.class);
        return client;
    }

    private static void publish(WireClient client, String topic, int number) {
        client.sendPackets(publish(QoS.AT_LEAST_ONCE, topic, number));
        client.receive(Packet.PubAck.class);
    }

    private static Packet.Publish publish(QoS qos, String topic, int number) {
        var payload = Integer.toString(number).getBytes(StandardCharsets.US_ASCII);
        var packetId = qos == QoS.AT_MOST_ONCE ? 0 : 1;
        return new Packet.Publish(false, qos, false, TopicName.of(topic), packetId, Properties.NONE, payload);
    }

    private static int number(Packet.Publish publish) {
        return Integer.parseInt(new String(publish.payload(), StandardCharsets.US_ASCII));
    }

    /** Acknowledges it. */
    private static Packet.Publish next(WireClient client) {
        var publish = client.receive(Packet.Publish.class);
        client.sendPackets(new Packet.PubAck(publish.packetId()));
        return publish;
    }

    private static int count(String rows) {
        return Integer.parseInt(gateways.query("SELECT count(*) FROM " + rows));
    }

    /** What any gateway takes after SUBACK reaches the subscriber, wherever that is connected. */
    @Test
    void subackIsAboutAllGateways() throws Exception {
        try (var rounds = new SubackRounds(gateways)) {
            rounds.messagesAfterSuback();
            rounds.retainedMessagesBesideSubscribe();
            rounds.messagesAtAFrozenGateway();
        }
    }

    @Test
    void aMessageThatAnotherGatewayKeepsReachesTheDevice() {
        var took = new long[MESSAGES];
        try (var device = subscribed(0, "here", "kept/here");
                var publisher = online(1, "publisher-1", true)) {
            for (int i = 0; i < MESSAGES; i++) {
                var start = System.nanoTime();
                publish(publisher, "kept/here", i);
                assertThat(number(next(device))).isEqualTo(i);
                took[i] = System.nanoTime() - start;
            }
        }
        Arrays.sort(took);
        System.out.printf(
                Locale.ROOT,
                "moves: PUBLISH there to PUBLISH here, stored session, in ms p50 %.1f, p99 %.1f, longest %.1f%n",
                took[MESSAGES / 2] / 1e6,
                took[MESSAGES * 99 / 100] / 1e6,
                took[MESSAGES - 1] / 1e6);
    }

    @Test
    void aDeviceThatMovesUnderLoadMissesNothing() throws Exception {
        var sent = new AtomicInteger();
        var stopped = new AtomicBoolean();
        var device = subscribed(0, "mover", "moving/#");
        var publishing = Thread.ofVirtual().start(() -> {
            try (var one = online(0, "publisher-2", true);
                    var other = online(1, "publisher-3", true)) {
                while (!stopped.get()) {
                    publish(one, "moving/a", sent.getAndIncrement());
                    publish(other, "moving/b", sent.getAndIncrement());
                }
            }
        });
        var got = new BitSet();
        for (int i = 1; i <= ROUNDS / 4; i++) {
            for (int n = 0; n < 20; n++) got.set(number(next(device)));
            if (i % 2 == 0) device.close(); // else it is taken over
            var before = device;
            device = online(i % 2, "mover", false);
            before.close();
        }
        stopped.set(true);
        publishing.join();
        while (got.cardinality() < sent.get()) got.set(number(next(device)));
        device.close();
        System.out.printf("moves: %d moves, %d messages, none missed%n", ROUNDS / 4, sent.get());
    }

    /** Without a write, nobody would tell it that it has lost its session. Other tests of the suite may take some of the seconds. */
    @Test
    void theFormerConnectionEndsWithinASecondThoughItPublishesOnlyQos0() {
        var took = new ArrayList<Duration>();
        for (int i = 0; i < 10; i++) {
            try (var former = online(i % 2, "twice", i == 0)) {
                former.sendPackets(publish(QoS.AT_MOST_ONCE, "twice", i));
                var start = System.nanoTime();
                try (var _ = online((i + 1) % 2, "twice", false)) {
                    var bye = former.receive(Packet.Disconnect.class);
                    assertThat(bye.reason()).isEqualTo(ReasonCode.SESSION_TAKEN_OVER);
                    took.add(Duration.ofNanos(System.nanoTime() - start));
                }
            }
        }
        took.sort(null);
        System.out.printf("moves: taken over after %s%n", took);
        assertThat(took.get(took.size() / 2)).isLessThan(Duration.ofSeconds(1));
        assertThat(took.getLast()).isLessThan(Duration.ofSeconds(5));
    }

    /** Connections take sessions over while messages are under way: numbers have no gaps, and what is sent again has its first message id. */
    @Test
    void takeOversUnderLoadLeaveNoGap() {
        try (var fleet = new Fleet(ports.getFirst())) {
            for (int i = 0; i < 4; i++) fleet.add(taken(i));
            for (int i = 0; i < TAKE_OVERS; i++) {
                fleet.awaitProgress(PATIENCE, WINDOW, fleet.all());
                for (var publisher : fleet) takeOver(publisher.profile().clientId());
            }
            fleet.awaitProgress(PATIENCE, WINDOW, fleet.all());
            fleet.quiet(PATIENCE);
            var account = Account.of(gateways.bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
            System.out.println("take-overs: " + account.report());
            account.assertKept();
            account.assertComplete();
            for (var publisher : fleet) {
                assertThat(publisher.connects()).isGreaterThan(TAKE_OVERS);
                assertThat(publisher.disconnects())
                        .extracting(Publisher.Told::reason)
                        .containsOnly(ReasonCode.SESSION_TAKEN_OVER);
            }
        }
    }

    private static Publisher.Profile taken(int number) {
        var qos = number % 2 == 0 ? QoS.AT_LEAST_ONCE : QoS.EXACTLY_ONCE;
        return new Publisher.Profile("taken-" + number, V5, qos, true, WINDOW, 1, Duration.ofMillis(1), 64);
    }

    /** By a connection of the same client, at the same gateway, that then ends without a word, too. */
    private static void takeOver(String clientId) {
        try (var thief = WireClient.open(ports.getFirst(), V5)) {
            thief.connect(stored(clientId, false, null));
            assertThat(thief.receive(Packet.ConnAck.class).sessionPresent()).isTrue();
        }
    }

    @Test
    void aSessionThatIsBegunAnewElsewhereEndsTheOldOneEverywhere() {
        try (var old = subscribed(0, "anew", "anew/old");
                var next = subscribed(1, "anew", "anew/new");
                var publisher = online(0, "publisher-4", true)) {
            assertThat(old.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SESSION_TAKEN_OVER);
            publish(publisher, "anew/old", 1);
            publish(publisher, "anew/new", 2);
            assertThat(number(next(next))).isEqualTo(2);
            assertThat(count("queued q JOIN session s ON s.id = q.session_id WHERE s.client_id = 'anew'"))
                    .isLessThanOrEqualTo(1);
        }
    }

    @Test
    void aWillThatWasWithdrawnIsNotPublishedHoweverFastItsClientIsBack() {
        var wills = new ArrayList<Integer>();
        try (var watcher = subscribed(0, "watcher-1", "withdrawn/#")) {
            var former = online(0, stored("fast", true, will("withdrawn/will", 0)));
            for (int i = 1; i <= ROUNDS; i++) {
                var next = WireClient.open(ports.get(i % 2), V5);
                former.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE));
                next.connect(stored("fast", false, will("withdrawn/will", i)));
                assertThat(next.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
                former.close();
                former = next;
            }
            former.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE));
            await().until(() -> count("will") == 0);
            try (var publisher = online(0, "publisher-5", true)) {
                publish(publisher, "withdrawn/end", -1);
            }
            for (var got = next(watcher); number(got) >= 0; got = next(watcher)) wills.add(number(got));
            former.close();
        }
        assertThat(wills).as("wills that had been withdrawn").isEmpty();
    }

    /** Who watches the device must not see it leave after it has come back. */
    @Test
    void aWillThatWasNotWithdrawnComesBeforeWhatTheNextConnectionSays() {
        try (var watcher = subscribed(0, "watcher-2", "presence/#")) {
            var former = online(0, stored("present", true, will("presence/will", 0)));
            for (int i = 1; i <= ROUNDS / 4; i++) {
                var next = online(i % 2, stored("present", false, will("presence/will", i)));
                publish(next, "presence/online", i);
                var will = next(watcher);
                assertThat(will.topicName().toString()).isEqualTo("presence/will");
                assertThat(number(will)).isEqualTo(i - 1);
                var online = next(watcher);
                assertThat(online.topicName().toString()).isEqualTo("presence/online");
                assertThat(number(online)).isEqualTo(i);
                former.close();
                former = next;
            }
            former.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE));
            former.close();
        }
    }

    private static Will will(String topic, int number) {
        return new Will(
                TopicName.of(topic),
                QoS.AT_LEAST_ONCE,
                false,
                Properties.NONE,
                Integer.toString(number).getBytes(StandardCharsets.US_ASCII));
    }
}

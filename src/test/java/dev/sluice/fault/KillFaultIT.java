package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.EmbeddedPostgresServer;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.support.Publisher;
import dev.sluice.support.Readers;
import dev.sluice.support.Subscriber;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * SIGKILL at any moment, while clients publish and subscribers and devices come and go, also while Kafka is away: Kafka and those who are
 * owed it get what was acknowledged, in order, and at QoS 2 once. With {@code -Dkills=100 -Dkills.pace=100} it is the long run.
 */
class KillFaultIT {
    private static final int KILLS = Integer.getInteger("kills", 10);
    private static final boolean IS_LONG = KILLS > 10;
    /** Every so many kills, Kafka is frozen before one and thaws after the next gateway has answered; the one after it may come in the drain. */
    private static final int SPOOL_ROUND = 3;

    private static final int PUBLISHERS = IS_LONG ? 40 : 16;
    private static final int SUBSCRIBERS = IS_LONG ? 16 : 10;
    /** How many of the subscribers take everything, by a wildcard; they see the Wills as well. */
    private static final int WITNESSES = 2;

    private static final int SHARED = 4;
    private static final int MEMBERS = 3;
    private static final int DEVICES = IS_LONG ? 40 : 10;
    private static final Duration COMMAND_PACE = Duration.ofMillis(IS_LONG ? 15 : 40);
    private static final int RETAINING = IS_LONG ? 10 : 6;
    private static final Duration PACE = Duration.ofMillis(Integer.getInteger("kills.pace", 200));
    private static final Duration LONGEST_WALK = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String MARKER = "end/of/retained";

    private static final String[] OPTIONS = {
        "-Dsluice.uplink.outage=spool",
        "-Dsluice.uplink.outage-grace=1s",
        // Longer than devices take to come back, also on a machine that is busy with something else.
        "-Dsluice.downlink.patience=120s",
        "-Dquarkus.log.category.\"dev.sluice.downlink\".level=DEBUG"
    };

    /** What the journal held when the gateway died. */
    private record Death(long millis, Set<String> messageIds) {}

    private final Random random = new Random();
    private final List<Long> restarts = new ArrayList<>();
    private final List<Death> deaths = new ArrayList<>();
    private Servers servers;
    private Fleet fleet;
    private Mortals mortals;

    @Test
    void killsLoseNothingAcknowledged() throws Exception {
        var seed = System.nanoTime();
        random.setSeed(seed);
        try (var started = Servers.start("kill", OPTIONS);
                var audience = new Audience(started.port());
                var publishers = new Fleet(started.port());
                var dying = new Mortals(started);
                var devices = new CommandedDevices(started, DEVICES, COMMAND_PACE)) {
            servers = started;
            fleet = publishers;
            mortals = dying;
            var witnesses = subscribe(audience);
            publish(fleet, audience);
            try (var group = SharedGroup.start(servers.port(), MEMBERS, sharedProfiles(), fleet)) {
                devices.start(random);
                fleet.awaitProgress(Duration.ofSeconds(60), 5, fleet.all());
                for (var subscriber : audience) subscriber.wander(random.nextLong(), LONGEST_WALK);
                group.wander(random, LONGEST_WALK);
                for (int i = 1; i <= KILLS; i++) live(i);
                finish(audience, group, devices);
                System.out.printf("kills: seed %d, acknowledgements again after a kill in ms %s%n", seed, restarts);
                assertKafkaKept(audience.report() + "; " + group.report() + "; " + devices.report());
                audience.assertKept();
                group.assertKept();
                devices.assertKept();
                assertThat(fleet).allSatisfy(publisher -> assertThat(publisher.disconnects())
                        .isEmpty());
                for (var witness : witnesses) mortals.assertWills(witness.inbox());
                assertRetained(servers.port(), fleet);
                assertNothingQueued(servers);
            }
        }
    }

    /** Everybody comes back, and everything comes to rest. */
    private void finish(Audience audience, SharedGroup group, CommandedDevices devices) throws Exception {
        fleet.quiet(PATIENCE);
        audience.forEach(Subscriber::stay);
        audience.awaitComplete(PATIENCE);
        group.finish(PATIENCE);
        devices.finish(PATIENCE.multipliedBy(2));
        awaitDrained();
    }

    /** What Kafka has. */
    private void assertKafkaKept(String others) {
        var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
        System.out.printf("kills %d: %s; %s%n", KILLS, account.report(), others);
        account.assertKept();
        for (var death : deaths) account.assertNotProducedAfter(death.millis(), death.messageIds());
    }

    private void awaitDrained() {
        await("an empty spool").atMost(PATIENCE).until(() -> servers.query("SELECT count(*) FROM v_spool")
                .equals("0"));
    }

    private static List<Publisher.Profile> sharedProfiles() {
        return IntStream.range(0, SHARED)
                .mapToObj(i -> new Publisher.Profile(
                        "shared-" + i, ProtocolVersion.V5, QoS.EXACTLY_ONCE, true, 16, 1, PACE, 128))
                .toList();
    }

    /** Persistent subscribers of both versions and both QoS; the witnesses are returned. */
    private static List<Subscriber> subscribe(Audience audience) {
        var witnesses = new ArrayList<Subscriber>();
        for (int i = 0; i < SUBSCRIBERS; i++) {
            var version = i / 2 % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
            var qos = i % 2 == 0 ? QoS.EXACTLY_ONCE : QoS.AT_LEAST_ONCE;
            var filters = i < WITNESSES ? List.of("fleet/+/telemetry") : filters(i);
            var subscriber = audience.add(new Subscriber.Profile("subscriber-" + i, version, qos, true, filters));
            if (i < WITNESSES) witnesses.add(subscriber);
        }
        audience.awaitAll(Duration.ofSeconds(60), "subscriptions", Subscriber::isSubscribed);
        return witnesses;
    }

    /** Every publisher has two subscribers of its own, one with each QoS. */
    private static List<String> filters(int subscriber) {
        return IntStream.range(0, PUBLISHERS)
                .filter(publisher -> isOwed(publisher, subscriber))
                .mapToObj(publisher -> profile(publisher).topic())
                .toList();
    }

    private static boolean isOwed(int publisher, int subscriber) {
        if (subscriber < WITNESSES) return true;
        return publisher % ((SUBSCRIBERS - WITNESSES) / 2) == (subscriber - WITNESSES) / 2;
    }

    private static Publisher.Profile profile(int publisher) {
        var version = publisher / 2 % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
        var qos = publisher % 2 == 0 ? QoS.EXACTLY_ONCE : QoS.AT_LEAST_ONCE;
        var persistent = qos == QoS.EXACTLY_ONCE;
        return new Publisher.Profile(
                "publisher-" + publisher, version, qos, persistent, 16, 1, PACE, 128, publisher < RETAINING);
    }

    private static void publish(Fleet fleet, Audience audience) {
        for (int i = 0; i < PUBLISHERS; i++) fleet.add(profile(i));
        int number = 0;
        for (var subscriber : audience) {
            for (int i = 0; i < PUBLISHERS; i++)
                if (isOwed(i, number)) audience.owe(fleet.all().get(i), subscriber);
            number++;
        }
    }

    /** From the start of one gateway to the next. */
    private void live(int round) throws SQLException {
        mortals.leave(round);
        mortals.hold(round);
        Fleet.runOn(Duration.ofMillis(random.nextInt(1500)));
        if (round == KILLS) clear(servers.port(), fleet);
        var isWithoutKafka = round % SPOOL_ROUND == 2;
        if (isWithoutKafka) {
            servers.kafka().process().freeze();
            Fleet.runOn(Duration.ofMillis(random.nextInt(IS_LONG ? 10_000 : 5_000)));
        } else {
            mortals.cut(round);
        }
        kill();
        var start = System.nanoTime();
        servers.startGateway();
        fleet.awaitProgress(Duration.ofSeconds(60), 1, fleet.all().subList(RETAINING, PUBLISHERS + SHARED));
        restarts.add(Duration.ofNanos(System.nanoTime() - start).toMillis());
        if (isWithoutKafka) servers.kafka().process().thaw();
    }

    private void kill() throws SQLException {
        servers.gateway().process().kill();
        deaths.add(new Death(System.currentTimeMillis(), journalled()));
    }

    private Set<String> journalled() throws SQLException {
        try (var connection =
                        DriverManager.getConnection(servers.postgres().jdbcUrl(), EmbeddedPostgresServer.USER, "");
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT message_id FROM received")) {
            var ids = new HashSet<String>();
            while (rows.next()) ids.add(rows.getString(1));
            return ids;
        }
    }

    /** Those that retain say nothing more; the messages of every other one are cleared. */
    private static void clear(int port, Fleet fleet) {
        var retaining = fleet.all().subList(0, RETAINING);
        retaining.forEach(Publisher::stop);
        await("answers").until(() -> retaining.stream().allMatch(Publisher::isQuiet));
        try (var client = online(port)) {
            for (int i = 1; i < RETAINING; i += 2) {
                client.sendPackets(publish(profile(i).topic(), true, ""));
                client.receive(Packet.PubAck.class);
            }
        }
    }

    /** A new subscriber gets the last message of each that was not cleared, and no other. */
    private static void assertRetained(int port, Fleet fleet) {
        var expected = new HashMap<String, Integer>();
        for (int i = 0; i < RETAINING; i += 2)
            expected.put(profile(i).topic(), fleet.all().get(i).published());
        try (var client = online(port)) {
            var all = new Subscription("fleet/+/telemetry", QoS.AT_MOST_ONCE, false, false, 0);
            var marker = new Subscription(MARKER, QoS.AT_MOST_ONCE, false, false, 0);
            client.sendPackets(new Packet.Subscribe(2, List.of(all, marker), Properties.NONE));
            client.receive(Packet.SubAck.class);
            client.sendPackets(publish(MARKER, false, "end"));
            assertThat(retained(client, expected.size())).isEqualTo(expected);
        }
    }

    /** What comes until the marker and at least this many retained messages have come. */
    private static Map<String, Integer> retained(WireClient client, int atLeast) {
        var found = new HashMap<String, Integer>();
        for (var ended = false; !ended || found.size() < atLeast; ) {
            if (!(client.receive() instanceof Packet.Publish publish)) continue;
            var topic = publish.topicName().toString();
            var text = new String(publish.payload(), StandardCharsets.US_ASCII);
            if (topic.equals(MARKER)) ended = true;
            else if (publish.retain()) found.put(topic, Integer.parseInt(text.substring(0, text.indexOf(' '))));
        }
        return found;
    }

    private static WireClient online(int port) {
        var client = WireClient.open(port, ProtocolVersion.V5);
        client.connect(Readers.connect(ProtocolVersion.V5)).receive(Packet.ConnAck.class);
        return client;
    }

    private static Packet.Publish publish(String topic, boolean retain, String payload) {
        return new Packet.Publish(
                false,
                QoS.AT_LEAST_ONCE,
                retain,
                TopicName.of(topic),
                1,
                Properties.NONE,
                payload.getBytes(StandardCharsets.US_ASCII));
    }

    /** What is acknowledged is not kept. */
    private static void assertNothingQueued(Servers servers) {
        await("empty queues")
                .until(() -> servers.query("SELECT count(*) FROM queued").equals("0"));
    }
}

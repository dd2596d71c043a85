package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** SIGKILL at any moment, while subscribers come and go: they get what was acknowledged, in order, and at QoS 2 once. */
class DeliveryKillFaultIT {
    private static final int KILLS = 10;
    private static final int PUBLISHERS = 50;
    private static final int SUBSCRIBERS = 20;
    /** How many of the subscribers take everything, by a wildcard; they see the Wills as well. */
    private static final int WITNESSES = 2;

    private static final int RETAINING = 10;
    private static final Duration PACE = Duration.ofMillis(50);
    private static final Duration LONGEST_WALK = Duration.ofSeconds(3);
    private static final String MARKER = "end/of/retained";

    @Test
    void tenKillsLoseNothingThatASubscriberIsOwed() {
        var seed = System.nanoTime();
        var random = new Random(seed);
        try (var servers = Servers.start("delivery-kill");
                var audience = new Audience(servers.port());
                var fleet = new Fleet(servers.port());
                var mortals = new Mortals(servers)) {
            var witnesses = subscribe(audience);
            publish(fleet, audience);
            fleet.awaitProgress(Duration.ofSeconds(30), 5, fleet.all());
            for (var subscriber : audience) subscriber.wander(random.nextLong(), LONGEST_WALK);
            var restarts = new ArrayList<Long>();
            for (int i = 1; i <= KILLS; i++) restarts.add(live(i, random, servers, fleet, mortals));
            fleet.quiet(Duration.ofSeconds(30));
            audience.forEach(Subscriber::stay);
            audience.awaitComplete(Duration.ofSeconds(60));
            System.out.printf("delivery: seed %d, acknowledgements again after a kill in ms %s%n", seed, restarts);
            var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
            System.out.printf("delivery: %s; %s%n", audience.report(), account.report());
            audience.assertKept();
            account.assertKept();
            for (var witness : witnesses) mortals.assertWills(witness.inbox());
            assertRetained(servers.port(), fleet);
            assertNothingQueued(servers);
        }
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
        audience.awaitAll(Duration.ofSeconds(20), "subscriptions", Subscriber::isSubscribed);
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

    /** From the start of one gateway to the next; the time that the next needs, in milliseconds. */
    private static long live(int round, Random random, Servers servers, Fleet fleet, Mortals mortals) {
        mortals.leave(round);
        mortals.hold(round);
        Fleet.runOn(Duration.ofMillis(random.nextInt(1500)));
        if (round == KILLS) clear(servers.port(), fleet);
        mortals.cut(round);
        servers.gateway().process().kill();
        var start = System.nanoTime();
        servers.startGateway();
        fleet.awaitProgress(Duration.ofSeconds(40), 1, fleet.all().subList(RETAINING, PUBLISHERS));
        return Duration.ofNanos(System.nanoTime() - start).toMillis();
    }

    /** Those that retain say nothing more; the messages of every other one are cleared. */
    private static void clear(int port, Fleet fleet) {
        var retaining = fleet.all().subList(0, RETAINING);
        retaining.forEach(Publisher::stop);
        await("answers").atMost(Duration.ofSeconds(20)).until(() -> retaining.stream()
                .allMatch(Publisher::isQuiet));
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
        await("empty queues").atMost(Duration.ofSeconds(10)).until(() -> servers.query("SELECT count(*) FROM queued")
                .equals("0"));
    }
}

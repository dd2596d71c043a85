package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** Owns clients of each gateway, which subscribe at one and publish at another, each time after SUBACK; used by one thread. */
final class SubackRounds implements AutoCloseable {
    private static final int ROUNDS = Integer.getInteger("suback.rounds", 24);
    private static final int FREEZES = 4;
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final byte[] PAYLOAD = "now".getBytes(StandardCharsets.US_ASCII);

    private final Random random = new Random(1);
    private final GatewayFleet gateways;
    private final List<String> names;
    private final List<Place> places = new ArrayList<>();

    /** The clients at one gateway. */
    private record Place(WireClient live, WireClient durable, WireClient publisher) implements AutoCloseable {
        static Place at(int port, String name) {
            return new Place(
                    connect(port, name + "-live", 0),
                    connect(port, name + "-durable", 600),
                    connect(port, name + "-publisher", 0));
        }

        private static WireClient connect(int port, String clientId, long expiry) {
            var session = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, expiry);
            var client = WireClient.open(port, V5);
            var answer = client.connect(new Packet.Connect(V5, true, 0, clientId, null, null, null, session))
                    .receive(Packet.ConnAck.class);
            assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
            return client.patience(PATIENCE);
        }

        @Override
        public void close() {
            live.close();
            durable.close();
            publisher.close();
        }
    }

    SubackRounds(GatewayFleet gateways) {
        this.gateways = gateways;
        names = List.copyOf(gateways.names());
        try {
            for (var name : names) places.add(Place.at(gateways.port(name), name));
        } catch (RuntimeException | AssertionError failed) {
            close();
            throw failed;
        }
    }

    @Override
    public void close() {
        places.forEach(Place::close);
    }

    /** Each round at two other gateways, with and without a session, with an exact filter and one with a wildcard. */
    void messagesAfterSuback() {
        var took = new long[ROUNDS];
        int misses = 0;
        for (int round = 0; round < ROUNDS; round++) {
            var here = places.get(round % places.size());
            var there = other(round);
            var subscriber = round / places.size() % 2 == 0 ? here.live : here.durable;
            var topic = "suback/" + places.size() + "/" + round;
            var filter = random.nextBoolean() ? topic : "+/" + places.size() + "/" + round;
            var start = System.nanoTime();
            subscribe(subscriber, filter);
            subscriber.receive(Packet.SubAck.class);
            took[round] = System.nanoTime() - start;
            publish(there, topic, false, PAYLOAD);
            there.receive(Packet.PubAck.class);
            if (!hears(subscriber, topic)) {
                misses++;
                System.out.printf(
                        "suback: missed round %d, filter %s, session %s%n", round, filter, subscriber == here.durable);
            }
            unsubscribe(subscriber, filter);
        }
        Arrays.sort(took);
        System.out.printf(
                Locale.ROOT,
                "suback, gateways %d: rounds %d, misses %d, SUBACK in ms p50 %.1f, p99 %.1f, longest %.1f%n",
                places.size(),
                ROUNDS,
                misses,
                percentile(took, 0.5),
                percentile(took, 0.99),
                percentile(took, 1));
        assertThat(misses).as("messages missed").isZero();
    }

    private static double percentile(long[] sorted, double share) {
        return sorted[(int) (share * (sorted.length - 1))] / 1e6;
    }

    /** Another place's publisher. */
    private WireClient other(int round) {
        var distance = 1 + random.nextInt(places.size() - 1);
        return places.get((round + distance) % places.size()).publisher;
    }

    /** Whichever is first: the subscriber is told by what is retained, or by what comes, and sometimes by both. */
    void retainedMessagesBesideSubscribe() throws InterruptedException {
        int misses = 0;
        for (int round = 0; round < ROUNDS; round++) {
            var here = places.get(round % places.size());
            var there = other(round);
            var subscriber = round / places.size() % 2 == 0 ? here.live : here.durable;
            var topic = "retained/" + round;
            var lead = Duration.ofMillis(random.nextInt(12)).toNanos();
            var publishing = Thread.ofVirtual().start(() -> {
                LockSupport.parkNanos(lead);
                publish(there, topic, true, PAYLOAD);
                there.receive(Packet.PubAck.class);
            });
            subscribe(subscriber, topic);
            if (!hears(subscriber, topic)) misses++;
            publishing.join();
            unsubscribe(subscriber, topic);
            publish(there, topic, true, new byte[0]);
            there.receive(Packet.PubAck.class);
        }
        System.out.printf("suback, retained: rounds %d, misses %d%n", ROUNDS, misses);
        assertThat(misses).as("retained messages missed").isZero();
    }

    /** One that was frozen while somebody subscribed elsewhere learns of that before it takes what has come meanwhile. */
    void messagesAtAFrozenGateway() {
        for (int round = 0; round < FREEZES; round++) {
            var here = places.get(round % places.size());
            var frozen = (round + 1) % places.size();
            var there = places.get(frozen).publisher;
            var subscriber = round % 2 == 0 ? here.live : here.durable;
            var topic = "frozen/" + round;
            gateways.freeze(names.get(frozen));
            try {
                subscribe(subscriber, topic);
                subscriber.receive(Packet.SubAck.class);
                publish(there, topic, false, PAYLOAD);
            } finally {
                gateways.thaw(names.get(frozen));
            }
            there.receive(Packet.PubAck.class);
            assertThat(hears(subscriber, topic)).as("round %d", round).isTrue();
            unsubscribe(subscriber, topic);
        }
    }

    private static void subscribe(WireClient client, String filter) {
        var subscription = new Subscription(filter, QoS.AT_LEAST_ONCE, false, false, 0);
        client.sendPackets(new Packet.Subscribe(1, List.of(subscription), Properties.NONE));
    }

    private static void publish(WireClient client, String topic, boolean retain, byte[] payload) {
        client.sendPackets(
                new Packet.Publish(false, QoS.AT_LEAST_ONCE, retain, TopicName.of(topic), 1, Properties.NONE, payload));
    }

    /** Until the message comes, or nothing does for a while. */
    private static boolean hears(WireClient client, String topic) {
        try {
            while (!(next(client) instanceof Packet.Publish publish
                    && publish.topicName().toString().equals(topic))) {
                // SUBACK
            }
            return true;
        } catch (UncheckedIOException nothing) {
            return false;
        }
    }

    /** Acknowledges a message. */
    private static Packet next(WireClient client) {
        var packet = client.receive();
        if (packet instanceof Packet.Publish publish && publish.qos() == QoS.AT_LEAST_ONCE)
            client.sendPackets(new Packet.PubAck(publish.packetId()));
        return packet;
    }

    private static void unsubscribe(WireClient client, String filter) {
        client.sendPackets(new Packet.Unsubscribe(2, List.of(filter), Properties.NONE));
        while (!(next(client) instanceof Packet.UnsubAck)) {
            // what was under way
        }
    }
}

package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.AckTimes;
import dev.sluice.support.Gateway;
import dev.sluice.support.Publisher;
import dev.sluice.support.Reconnects;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * One gateway becomes five, one after another, and one again, the eldest going first, while clients publish, hear, and come back at random to
 * any of them: nothing acknowledged is lost, nobody hears anything but that a gateway drains, and nobody waits for long.
 * {@code -Dscale.rate=20000}, messages a second in all, is the long run; {@code -Dscale.publishers} says how many send them.
 */
@Tag("long")
class ScaleIT {
    private static final boolean IS_LONG = Integer.getInteger("scale.rate") != null;
    private static final int RATE = Integer.getInteger("scale.rate", 160);
    private static final int PUBLISHERS = Integer.getInteger("scale.publishers", IS_LONG ? 200 : 16);
    private static final int MOST_GATEWAYS = 5;
    /** With a session, and as many without. */
    private static final int SUBSCRIBERS = 4;
    /** By each subscriber. */
    private static final int HEARD = Math.min(5, PUBLISHERS / SUBSCRIBERS);

    private static final double EACH = (double) RATE / PUBLISHERS;
    private static final int BURST = (int) Math.max(1, EACH / 50);
    private static final Duration PACE = Duration.ofNanos((long) (BURST * 1e9 / EACH));
    /** Unanswered messages of each; below Receive Maximum. */
    private static final int WINDOW = (int) Math.clamp(EACH / 2, 16, 1000);

    private static final Duration DWELL = IS_LONG ? Duration.ofSeconds(10) : Duration.ofSeconds(1);
    private static final Duration LONGEST_BACK_OFF = Duration.ofSeconds(5);
    /** Connections break after so many seconds, on the average. */
    private static final int LIFETIME = IS_LONG ? 15 : 6;

    private static final int STOPPED_BY_SIGTERM = 143;
    /** What a client may be told, by the table of what can end a connection: its gateway drains. */
    private static final List<String> FAREWELLS = List.of(
            "DISCONNECT SERVER_SHUTTING_DOWN",
            "CONNACK SERVER_UNAVAILABLE",
            "closed with 1001",
            "no upgrade: HTTP/1.1 503 Service Unavailable");

    /** From one acknowledgement to the next, for any client. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(15);

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final String[] OPTIONS = {
        "-Dsluice.node.drain-delay=1s",
        "-Dsluice.node.drain-rate=" + Math.max(10, PUBLISHERS / 4),
        "-Dsluice.limits.take-over-delay-maximum=0s",
        // Longer than clients wait: a busy machine is not to end what the gateway would answer.
        "-Dsluice.store.open-timeout=20s"
    };

    private Timeline timeline;
    private GatewayFleet gateways;
    private Fleet publishers;
    private Audience audience;

    /** Breaks connections at random until it is closed. */
    private record Unrest(Thread thread) implements AutoCloseable {
        static Unrest of(GatewayFleet gateways) {
            return new Unrest(Thread.ofVirtual().name("unrest").start(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    gateways.cut(_ -> ThreadLocalRandom.current().nextInt(LIFETIME) == 0);
                    LockSupport.parkNanos(Duration.ofSeconds(1).toNanos());
                }
            }));
        }

        @Override
        public void close() {
            thread.interrupt();
            try {
                thread.join();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    void nobodyLosesAnythingToGatewaysThatComeAndGo() {
        try (var started = GatewayFleet.start("scale", 1, OPTIONS);
                var listeners = new Audience(started.port());
                var fleet = new Fleet(started.port())) {
            gateways = started;
            audience = listeners;
            publishers = fleet;
            var durable = subscribe("durable", true);
            var live = subscribe("live", false);
            publish();
            forEachWay(durable, audience::owe);
            awaitServed();
            timeline = new Timeline();
            var watch = Stopwatch.start();
            try (var _ = Unrest.of(gateways)) {
                while (gateways.names().size() < MOST_GATEWAYS) come();
                while (gateways.names().size() > 1) go(gateways.names().getFirst());
            }
            timeline.end();
            report();
            settle(live);
            assertKept();
            assertNobodyWaited(watch.stalled());
        }
    }

    private List<Subscriber> subscribe(String name, boolean persistent) {
        var all = new ArrayList<Subscriber>();
        for (int i = 0; i < SUBSCRIBERS; i++) {
            var filters =
                    heard(i).mapToObj(publisher -> profile(publisher).topic()).toList();
            all.add(audience.add(new Subscriber.Profile(name + "-" + i, version(i), qos(i), persistent, filters)));
            all.getLast().reconnects().backOff(LONGEST_BACK_OFF);
            all.getLast().expectDisconnects();
        }
        Crowd.awaitSubscribed(all);
        return all;
    }

    private void publish() {
        for (int i = 0; i < PUBLISHERS; i++) publishers.add(profile(i));
        for (var publisher : publishers) publisher.reconnects().backOff(LONGEST_BACK_OFF);
    }

    private void forEachWay(List<Subscriber> all, BiConsumer<Publisher, Subscriber> told) {
        for (int i = 0; i < SUBSCRIBERS; i++) {
            var subscriber = all.get(i);
            heard(i).forEach(publisher -> told.accept(publishers.all().get(publisher), subscriber));
        }
    }

    /** The numbers of the publishers that a subscriber hears: of its own QoS and of the other. */
    private static IntStream heard(int subscriber) {
        return IntStream.range(subscriber * HEARD, (subscriber + 1) * HEARD);
    }

    private static Publisher.Profile profile(int publisher) {
        var qos = qos(publisher);
        return new Publisher.Profile(
                "publisher-" + publisher, version(publisher), qos, qos == QoS.EXACTLY_ONCE, WINDOW, BURST, PACE, 128);
    }

    private static ProtocolVersion version(int number) {
        return number / 2 % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
    }

    private static QoS qos(int number) {
        return number % 2 == 0 ? QoS.EXACTLY_ONCE : QoS.AT_LEAST_ONCE;
    }

    private void come() {
        gateways.add(1);
        var name = gateways.names().getLast();
        timeline.note(name + " is ready");
        await(name + " has its share")
                .atMost(PATIENCE)
                .until(() -> connections(name) * gateways.names().size() >= PUBLISHERS / 2.0);
        awaitServed();
        Fleet.runOn(DWELL);
    }

    /** Every other one is emptied first; for the rest, SIGTERM is all that there is. */
    private void go(String name) {
        if (gateways.names().size() % 2 == 0) {
            timeline.note(name + " is to drain");
            gateways.drain(name);
        }
        timeline.note(name + " gets SIGTERM");
        assertThat(gateways.terminate(name)).as(name + ": exit status").isIn(0, STOPPED_BY_SIGTERM);
        timeline.note(name + " has ended");
        awaitServed();
        Fleet.runOn(DWELL);
    }

    private double connections(String name) {
        return Gateway.metric(gateways.port(name), "sluice_connections");
    }

    private void awaitServed() {
        publishers.awaitProgress(PATIENCE, 1, publishers.all());
    }

    /** What those without a session are told from then on they are owed, and everything comes to rest. */
    private void settle(List<Subscriber> live) {
        Crowd.awaitSubscribed(live);
        forEachWay(live, audience::oweFromNow);
        gateways.comeToRest(publishers, audience, PATIENCE);
    }

    private void assertKept() {
        gateways.assertKept("scale", publishers, audience);
        assertThat(gateways.query("SELECT count(*) FROM node"))
                .as("gateways that have left, and their names have not")
                .isEqualTo("1");
        assertThat(gateways.logged(" ERROR ")).isEmpty();
        for (var client : clients()) assertThat(client.told()).isSubsetOf(FAREWELLS);
    }

    private List<Reconnects> clients() {
        var all = new ArrayList<Reconnects>();
        for (var publisher : publishers) all.add(publisher.reconnects());
        for (var subscriber : audience) all.add(subscriber.reconnects());
        return all;
    }

    private void report() {
        var acknowledgements =
                publishers.all().stream().map(Publisher::ackTimes).toList();
        System.out.println("scale:\n" + timeline.table(acknowledgements, clients()));
        System.out.printf(
                Locale.ROOT,
                "scale: %d publishers at %,d messages/s in all: %,.0f acknowledged a second on the average, %,d in the best second; %d reconnects, %d in one second; told %s%n",
                PUBLISHERS,
                RATE,
                timeline.acknowledgementsPerSecond(acknowledgements),
                timeline.mostAcknowledgements(acknowledgements),
                clients().stream().mapToInt(it -> it.count() - 1).sum(),
                timeline.mostReconnects(clients()),
                clients().stream()
                        .flatMap(it -> it.told().stream())
                        .collect(Collectors.groupingBy(Function.identity(), Collectors.counting())));
    }

    /** @param stalled for so long the machine stood still meanwhile */
    private void assertNobodyWaited(Duration stalled) {
        var longest = publishers.all().stream()
                .map(it -> Map.entry(it.profile().clientId(), pause(it)))
                .max(Comparator.comparing(it -> it.getValue().nanos()))
                .orElseThrow();
        var took = Duration.ofNanos(longest.getValue().nanos());
        System.out.printf(
                Locale.ROOT,
                "scale: the longest time without an acknowledgement was %,d ms, of %s, from second %d on; the machine stood still for %,d ms in all%n",
                took.toMillis(),
                longest.getKey(),
                Duration.ofNanos(longest.getValue().from() - timeline.startedAt())
                        .toSeconds(),
                stalled.toMillis());
        assertThat(took).isLessThan(LONGEST_WAIT.plus(stalled));
    }

    private AckTimes.Pause pause(Publisher publisher) {
        return publisher.ackTimes().longestPause(timeline.startedAt(), timeline.endedAt());
    }
}

package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.AckTimes;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Twenty attackers at once, beside two hundred honest clients who do not notice; on request, as with {@code -Dattackers.seconds=300}. */
@EnabledIfSystemProperty(named = "attackers.seconds", matches = "\\d+")
class AttackersIT {
    private static final Duration ATTACK = Duration.ofSeconds(Integer.getInteger("attackers.seconds", 15));
    /** In the suite, the machine has other tests to run, and times say little. */
    private static final boolean ALONE = ATTACK.toSeconds() >= 60;

    private static final OperatingSystemMXBean MACHINE =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private static final Duration WINDOW = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int PAIRS = 100;
    private static final int ATTACKERS = 20;
    private static final int RETAINED = 2000;
    private static final int SLOWER = 3;
    /** Of a few milliseconds, three times as many are no more than another program's turn. */
    private static final double SLACK_MILLIS = ALONE ? 10 : 1000;

    private static final long MEGABYTE = 1 << 20;
    private static final long HEAP_GROWTH = 16 * MEGABYTE;
    private static final long RESIDENT_GROWTH = 48 * MEGABYTE;

    @Test
    void honestClientsDoNotNotice() {
        // All of the heap is there from the beginning, so that the rest of the process can be seen to grow.
        try (var servers = Servers.start("attackers", "-Xmx256m", "-Xms256m", "-XX:+AlwaysPreTouch");
                var audience = new Audience(servers.port());
                var fleet = new Fleet(servers.port())) {
            restartWithRetained(servers);
            pair(fleet, audience);
            fleet.awaitProgress(PATIENCE, 25, fleet.all());
            attack(servers.port(), WINDOW); // what the first one has loaded and allocated stays
            var heap = settledHeap(servers, 0);
            var resident = servers.residentBytes();

            var round = round(servers.port(), fleet, audience);

            var heapAfter = settledHeap(servers, heap + HEAP_GROWTH);
            var residentAfter = servers.residentBytes();
            System.out.printf(
                    Locale.ROOT,
                    "attackers: live heap %d MiB, then %d; resident %d MiB, then %d%n",
                    heap / MEGABYTE,
                    heapAfter / MEGABYTE,
                    resident / MEGABYTE,
                    residentAfter / MEGABYTE);
            assertThat(heapAfter).as("live heap in bytes").isLessThan(heap + HEAP_GROWTH);
            assertThat(residentAfter).as("resident bytes").isLessThan(resident + RESIDENT_GROWTH);
            assertHonestWereServed(fleet, audience);
            assertThat(round).matches(Round::isFair, "fair");
        }
    }

    private static void restartWithRetained(Servers servers) {
        servers.gateway().close();
        servers.execute("INSERT INTO retained (topic, qos, payload) SELECT 'plant/device-' || n || '/state', 1,"
                + " convert_to(repeat('x', 100), 'UTF8') FROM generate_series(1, " + RETAINED + ") AS n");
        servers.startGateway();
        servers.gateway().awaitReady();
    }

    /** Publishers of five messages a second, each with a subscriber. */
    private static void pair(Fleet fleet, Audience audience) {
        for (int i = 0; i < PAIRS; i++)
            audience.add(new Subscriber.Profile(
                    "reader-" + i,
                    honest(i).version(),
                    QoS.AT_LEAST_ONCE,
                    false,
                    List.of(honest(i).topic())));
        audience.awaitAll(PATIENCE, "subscriptions", Subscriber::isSubscribed);
        int number = 0;
        for (var subscriber : audience) {
            fleet.add(honest(number++));
            audience.owe(fleet.all().getLast(), subscriber);
        }
    }

    private static Publisher.Profile honest(int number) {
        var version = number % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
        return new Publisher.Profile(
                "honest-" + number, version, QoS.AT_LEAST_ONCE, false, 16, 1, Duration.ofMillis(200), 128);
    }

    /** Milliseconds until 99 of 100 messages were acknowledged, and delivered: before, beside and after the attackers. */
    private record Round(double before, double meanwhile, double after) {
        boolean isFair() {
            return meanwhile < SLOWER * Math.max(before, after) + SLACK_MILLIS;
        }
    }

    private static Round round(int port, Fleet fleet, Audience audience) {
        var start = System.nanoTime();
        Fleet.runOn(WINDOW);
        var before = p99(fleet, audience, start);
        start = System.nanoTime();
        var visits = attack(port, ATTACK);
        var meanwhile = p99(fleet, audience, start);
        Fleet.runOn(Duration.ofSeconds(1));
        start = System.nanoTime();
        Fleet.runOn(WINDOW);
        var round = new Round(before, meanwhile, p99(fleet, audience, start));
        System.out.println("attackers: " + round + ", visits " + visits);
        return round;
    }

    private static double p99(Fleet fleet, Audience audience, long start) {
        var now = System.nanoTime();
        return Math.max(AckTimes.percentile(0.99, fleet, start, now), audience.percentile(0.99, start, now));
    }

    private static List<String> attack(int port, Duration time) {
        try (var attackers = AttackersProcess.start(port, ALONE)) {
            MACHINE.getCpuLoad(); // which begins anew with each look
            Fleet.runOn(time);
            System.out.printf(Locale.ROOT, "attackers: %.0f %% of the CPU busy%n", 100 * MACHINE.getCpuLoad());
            var visits = attackers.end();
            assertThat(visits).hasSize(ATTACKERS);
            return visits;
        }
    }

    /** Once only honest clients are left. */
    private static long settledHeap(Servers servers, long bound) {
        await("the end of the attackers' connections")
                .atMost(PATIENCE)
                .until(() -> servers.metric("sluice_connections ") == 2 * PAIRS);
        return servers.leastHeap(bound);
    }

    private static void assertHonestWereServed(Fleet fleet, Audience audience) {
        fleet.quiet(PATIENCE);
        audience.awaitComplete(PATIENCE);
        audience.assertKept();
        audience.assertNoRepeats();
        assertThat(fleet).allMatch(publisher -> publisher.connects() == 1, "never disconnected");
        assertThat(audience).allMatch(subscriber -> subscriber.connects() == 1, "never disconnected");
    }
}

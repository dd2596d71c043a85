package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * A subscriber that stops reading under a flood: the heap stays flat, and the others notice nothing. One that is away for long: what it misses
 * waits in PostgreSQL, not in the gateway's memory, and comes in order; with {@code -Doffline.messages=100000} it is away for longer.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SlowSubscriberFaultIT {
    private static final long MEGABYTE = 1 << 20;
    private static final long HEAP_BOUND = 160 * MEGABYTE;
    private static final long HEAP_GROWTH = 16 * MEGABYTE;
    /** How much slower the others may become: a factor, and what the machine's other work may add. */
    private static final double SLOWER = 2;

    private static final double SLACK_MILLIS = 25;
    private static final int OTHERS = 10;
    private static final int FLOODERS = 4;
    private static final Duration WINDOW = Duration.ofSeconds(3);
    /** The machine's other work may disturb any of them, a subscriber that is in the way disturbs all. */
    private static final int WINDOWS = 8;
    /** From the last read until every buffer on the way to the subscriber is full. */
    private static final Duration FILLING = Duration.ofSeconds(4);

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int MISSED = Integer.getInteger("offline.messages", 12_000);
    private static final int MISSED_PAYLOAD = 2560;
    private static final int TALKERS = 8;
    /** Less than what the missed messages in memory would take at the least. */
    private static final long MISSED_GROWTH = 20 * MEGABYTE;

    private static Servers servers;

    @BeforeAll
    static void start() {
        servers = Servers.start("slow", "-Xmx256m");
    }

    @AfterAll
    static void stop() {
        if (servers != null) servers.close();
    }

    @Order(1)
    @Test
    void aSubscriberThatDoesNotReadDisturbsNobody() {
        try (var audience = new Audience(servers.port());
                var fleet = new Fleet(servers.port());
                var flood = new Fleet(servers.port());
                var slow = slow(servers.port())) {
            pair(fleet, audience);
            await("the subscription").until(slow::isSubscribed);
            for (int i = 0; i < FLOODERS; i++) flood.add(flooder(i));
            await("the flood").until(() -> slow.inbox().messages() > 5_000);
            Fleet.runOn(FILLING);
            var before = p99(audience);
            var meanwhile = notReading(audience, flood, slow, SLOWER * before + SLACK_MILLIS);
            readOn(slow, flood);
            // Other work of the machine may have begun in between.
            var normal = meanwhile < SLOWER * before + SLACK_MILLIS ? before : Math.max(before, p99(audience));
            assertThat(meanwhile).as("others' p99 in ms").isLessThan(SLOWER * normal + SLACK_MILLIS);
            fleet.quiet(PATIENCE);
            audience.awaitComplete(PATIENCE);
            audience.assertKept();
            audience.assertNoRepeats();
        }
    }

    /** Returns the others' p99 in ms while the subscriber does not read, after windows enough for one that is within the bound. */
    private static double notReading(Audience audience, Fleet flood, Subscriber slow, double bound) {
        var rate = rate(flood);
        var heapBefore = servers.liveHeap();
        slow.stopReading();
        Fleet.runOn(FILLING);
        var heap = servers.leastHeap(HEAP_BOUND);
        var heard = slow.inbox().messages();
        var after = p99(audience);
        for (int i = 1; i < WINDOWS && after >= bound; i++) after = Math.min(after, p99(audience));
        var heapAfter = servers.leastHeap(Math.min(HEAP_BOUND, heap + HEAP_GROWTH));
        assertThat(slow.inbox().messages()).as("messages while not reading").isEqualTo(heard);
        System.out.printf(
                Locale.ROOT,
                "slow: flood of %,d a second, then %,d; others' p99 %.1f ms; heap after GC %d MiB, full %d"
                        + " MiB, at the end %d MiB%n",
                rate,
                rate(flood),
                after,
                heapBefore / MEGABYTE,
                heap / MEGABYTE,
                heapAfter / MEGABYTE);
        assertThat(heapAfter).as("live heap in bytes").isLessThan(HEAP_BOUND).isLessThan(heap + HEAP_GROWTH);
        return after;
    }

    private static Subscriber slow(int port) {
        var topics =
                IntStream.range(0, FLOODERS).mapToObj(i -> flooder(i).topic()).toList();
        return Subscriber.start(
                port, new Subscriber.Profile("slow", ProtocolVersion.V5, QoS.AT_LEAST_ONCE, false, topics));
    }

    /** 1,250 messages a second, of the last one at QoS 1, which waits for the acknowledgements of Kafka; of a size that fills buffers soon. */
    private static Publisher.Profile flooder(int number) {
        var qos = number == FLOODERS - 1 ? QoS.AT_LEAST_ONCE : QoS.AT_MOST_ONCE;
        return new Publisher.Profile(
                "flooder-" + number, ProtocolVersion.V5, qos, false, 1000, 25, Duration.ofMillis(20), 1024);
    }

    private static void pair(Fleet fleet, Audience audience) {
        for (int i = 0; i < OTHERS; i++)
            audience.add(new Subscriber.Profile(
                    "reader-" + i, other(i).version(), QoS.AT_LEAST_ONCE, false, List.of(other(i).topic())));
        audience.awaitAll(PATIENCE, "subscriptions", Subscriber::isSubscribed);
        int number = 0;
        for (var subscriber : audience) {
            fleet.add(other(number++));
            audience.owe(fleet.all().getLast(), subscriber);
        }
    }

    private static Publisher.Profile other(int number) {
        var version = number % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
        return new Publisher.Profile(
                "other-" + number, version, QoS.AT_LEAST_ONCE, false, 16, 1, Duration.ofMillis(20), 128);
    }

    private static double p99(Audience audience) {
        var start = System.nanoTime();
        Fleet.runOn(WINDOW);
        return audience.percentile(0.99, start, System.nanoTime());
    }

    private static int rate(Fleet flood) {
        var start = System.nanoTime();
        var before = written(flood);
        Fleet.runOn(Duration.ofSeconds(1));
        return (int) ((written(flood) - before) / ((System.nanoTime() - start) / 1e9));
    }

    private static int written(Fleet flood) {
        return flood.all().stream().mapToInt(Publisher::written).sum();
    }

    /** It goes on where the flood is now, on the connection that it has. */
    private static void readOn(Subscriber slow, Fleet flood) {
        var profile = flooder(0);
        var now = flood.all().getFirst().published();
        slow.readOn();
        await("messages of now").until(() -> slow.inbox().last(profile.topic()) > now);
        assertThat(slow.connects()).isEqualTo(1);
        assertThat(slow.complaints()).isEmpty();
        assertThat(slow.inbox().outOfOrder(profile.topic())).isZero();
    }

    @Order(2)
    @Test
    void whatIsMissedWaitsForItsSubscriber() {
        // Those of another test hold memory until then.
        await("nobody else").until(() -> servers.metric("sluice_connections ") == 0);
        try (var audience = new Audience(servers.port());
                var fleet = new Fleet(servers.port())) {
            var subscriber = sleeper(audience);
            var heap = servers.liveHeap();
            var start = System.nanoTime();
            talk(fleet, audience, subscriber);
            var queued = System.nanoTime();
            var queuedHeap = servers.liveHeap();
            assertThat(servers.query("SELECT count(*) FROM queued")).isEqualTo(Integer.toString(published(fleet)));
            assertThat(subscriber.inbox().messages()).as("messages while away").isZero();
            var resumed = System.nanoTime();
            subscriber.come();
            audience.awaitComplete(Duration.ofSeconds(90));
            var delivered = System.nanoTime();
            System.out.printf(
                    Locale.ROOT,
                    "offline: %,d messages of %d bytes queued at %,.0f a second, delivered at %,.0f a second; heap after GC"
                            + " %d MiB, with the queue %d MiB, after the delivery %d MiB%n",
                    published(fleet),
                    MISSED_PAYLOAD,
                    published(fleet) / ((queued - start) / 1e9),
                    published(fleet) / ((delivered - resumed) / 1e9),
                    heap / MEGABYTE,
                    queuedHeap / MEGABYTE,
                    servers.liveHeap() / MEGABYTE);
            audience.assertKept();
            audience.assertNoRepeats();
            assertThat(queuedHeap).as("live heap in bytes").isLessThan(heap + MISSED_GROWTH);
            await("an empty queue")
                    .until(() -> servers.query("SELECT count(*) FROM queued").equals("0"));
        }
    }

    /** One that has subscribed and left. */
    private static Subscriber sleeper(Audience audience) {
        var subscriber = audience.add(new Subscriber.Profile(
                "sleeper", ProtocolVersion.V5, QoS.AT_LEAST_ONCE, true, List.of("fleet/+/telemetry")));
        audience.awaitAll(PATIENCE, "the subscription", Subscriber::isSubscribed);
        subscriber.leave(true);
        await("absence").until(() -> servers.query("SELECT count(*) FROM v_session WHERE connected")
                .equals("0"));
        return subscriber;
    }

    /** Returns when all is acknowledged. */
    private static void talk(Fleet fleet, Audience audience, Subscriber subscriber) {
        IntStream.range(0, TALKERS).forEach(i -> {
            var version = i % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
            fleet.add(new Publisher.Profile(
                    "talker-" + i, version, QoS.AT_LEAST_ONCE, false, 500, 100, Duration.ofMillis(2), MISSED_PAYLOAD));
        });
        fleet.forEach(publisher -> audience.owe(publisher, subscriber));
        await("messages")
                .atMost(Duration.ofSeconds(90))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> published(fleet) >= MISSED);
        fleet.quiet(PATIENCE);
    }

    private static int published(Fleet fleet) {
        return fleet.all().stream().mapToInt(Publisher::published).sum();
    }
}

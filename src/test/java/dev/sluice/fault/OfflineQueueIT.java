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
import org.junit.jupiter.api.Test;

/**
 * A long absence: what a subscriber missed waits in PostgreSQL, not in the gateway's memory, and comes in order. With
 * {@code -Doffline.messages=100000} the absence is longer.
 */
class OfflineQueueIT {
    private static final int MESSAGES = Integer.getInteger("offline.messages", 17_000);
    private static final int PAYLOAD = 1900;
    private static final int PUBLISHERS = 8;
    private static final long MEGABYTE = 1 << 20;
    /** Less than what the messages in memory would take at the least. */
    private static final long HEAP_GROWTH = 22 * MEGABYTE;

    @Test
    void whatIsMissedWaitsForItsSubscriber() {
        try (var servers = Servers.start("offline", "-Xmx256m");
                var audience = new Audience(servers.port());
                var fleet = new Fleet(servers.port())) {
            var subscriber = sleeper(servers, audience);
            var heap = servers.liveHeap();
            var start = System.nanoTime();
            publish(fleet, audience, subscriber);
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
                    PAYLOAD,
                    published(fleet) / ((queued - start) / 1e9),
                    published(fleet) / ((delivered - resumed) / 1e9),
                    heap / MEGABYTE,
                    queuedHeap / MEGABYTE,
                    servers.liveHeap() / MEGABYTE);
            audience.assertKept();
            audience.assertNoRepeats();
            assertThat(queuedHeap).as("live heap in bytes").isLessThan(heap + HEAP_GROWTH);
            await("an empty queue")
                    .until(() -> servers.query("SELECT count(*) FROM queued").equals("0"));
        }
    }

    /** One that has subscribed and left. */
    private static Subscriber sleeper(Servers servers, Audience audience) {
        var subscriber = audience.add(new Subscriber.Profile(
                "sleeper", ProtocolVersion.V5, QoS.AT_LEAST_ONCE, true, List.of("fleet/+/telemetry")));
        audience.awaitAll(Duration.ofSeconds(60), "the subscription", Subscriber::isSubscribed);
        subscriber.leave(true);
        await("absence").until(() -> servers.query("SELECT count(*) FROM v_session WHERE connected")
                .equals("0"));
        return subscriber;
    }

    /** Returns when all is acknowledged. */
    private static void publish(Fleet fleet, Audience audience, Subscriber subscriber) {
        IntStream.range(0, PUBLISHERS).forEach(i -> {
            var version = i % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
            fleet.add(new Publisher.Profile(
                    "talker-" + i, version, QoS.AT_LEAST_ONCE, false, 500, 100, Duration.ofMillis(2), PAYLOAD));
        });
        fleet.forEach(publisher -> audience.owe(publisher, subscriber));
        await("messages")
                .atMost(Duration.ofSeconds(90))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> published(fleet) >= MESSAGES);
        fleet.quiet(Duration.ofSeconds(60));
    }

    private static int published(Fleet fleet) {
        return fleet.all().stream().mapToInt(Publisher::published).sum();
    }
}

package dev.sluice.fault;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What PostgreSQL carries: pairs at QoS 1, both sides with sessions that outlive their connections. The figures that it prints
 * are worth something with {@code -Dpairs.count=100 -Dpairs.warm-up=8 -Dpairs.measured=12 -Dpairs.tier=4} on a machine that does nothing else.
 */
@Tag("long")
class PersistentPairsIT {
    private static final int PAIRS = Integer.getInteger("pairs.count", 30);
    /** Of the JIT compiler: the second one is worth its work on a long run alone. */
    private static final int TIER = Integer.getInteger("pairs.tier", 1);

    private static final Duration WARM_UP = Duration.ofSeconds(Integer.getInteger("pairs.warm-up", 1));
    private static final Duration MEASURED = Duration.ofSeconds(Integer.getInteger("pairs.measured", 2));

    @Test
    void everyMessageIsDurableDeliveredAndAcknowledged() {
        try (var servers = Servers.start("pairs", "-XX:TieredStopAtLevel=" + TIER);
                var audience = new Audience(servers.port());
                var fleet = new Fleet(servers.port())) {
            for (int i = 0; i < PAIRS; i++) {
                var topic = profile(i).topic();
                audience.add(new Subscriber.Profile(
                        "pair-to-" + i, profile(i).version(), QoS.AT_LEAST_ONCE, true, List.of(topic)));
            }
            audience.awaitAll(Duration.ofSeconds(60), "subscriptions", Subscriber::isSubscribed);
            int number = 0;
            for (var subscriber : audience) {
                fleet.add(profile(number));
                audience.owe(fleet.all().get(number++), subscriber);
            }
            fleet.awaitProgress(Duration.ofSeconds(60), 1, fleet.all());
            Fleet.runOn(WARM_UP);
            measure(fleet, audience);
            fleet.quiet(Duration.ofSeconds(60));
            audience.awaitComplete(Duration.ofSeconds(60));
            audience.assertKept();
            audience.assertNoRepeats();
        }
    }

    /** Sends what its window allows in few frames, as many as were acknowledged in the time between. */
    private static Publisher.Profile profile(int number) {
        var version = number % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
        return new Publisher.Profile(
                "pair-from-" + number, version, QoS.AT_LEAST_ONCE, true, 64, 64, Duration.ofMillis(20), 128);
    }

    private static void measure(Fleet fleet, Audience audience) {
        var start = System.nanoTime();
        var acknowledged = acknowledged(fleet);
        var delivered = audience.messages();
        Fleet.runOn(MEASURED);
        var end = System.nanoTime();
        var seconds = (end - start) / 1e9;
        System.out.printf(
                Locale.ROOT,
                "pairs: %,.0f messages a second durable, %,.0f a second delivered and acknowledged; delivery p99 %.1f ms%n",
                (acknowledged(fleet) - acknowledged) / seconds,
                (audience.messages() - delivered) / seconds,
                audience.percentile(0.99, start, end));
    }

    private static int acknowledged(Fleet fleet) {
        return fleet.all().stream().mapToInt(Publisher::acknowledgedCount).sum();
    }
}

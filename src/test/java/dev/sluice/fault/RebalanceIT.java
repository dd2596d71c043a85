package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A gateway that comes gets its share of the clients that are there, and none of these loses anything. */
@Tag("long")
class RebalanceIT {
    private static final int LISTENERS = 260;
    private static final int PUBLISHERS = 40;
    private static final int MEAN = (LISTENERS + PUBLISHERS) / 3;
    private static final Duration AFTER = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @Test
    void aGatewayThatComesGetsItsShare() {
        try (var gateways = GatewayFleet.start(
                        "rebalance",
                        2,
                        "-Dsluice.node.rebalance-rate=50",
                        "-Dsluice.node.rebalance-after=" + AFTER.toSeconds() + "s",
                        "-Dsluice.limits.take-over-delay-maximum=0s");
                var listeners = new Audience(gateways.port());
                var publishers = new Fleet(gateways.port())) {
            for (int i = 0; i < LISTENERS; i++) listeners.add(listener(i)).expectDisconnects();
            publishers.add(PUBLISHERS / 2, QoS.AT_LEAST_ONCE, Duration.ofMillis(200));
            publishers.add(PUBLISHERS / 2, QoS.EXACTLY_ONCE, Duration.ofMillis(200));
            awaitOnline(listeners, publishers);
            // One of the two may have been slow, and the other one have had too many.
            await("a share for both").atMost(PATIENCE).untilAsserted(() -> assertThat(connections(gateways))
                    .allSatisfy(it -> assertThat(it).isGreaterThanOrEqualTo(1.2 * MEAN)));
            var before = moved(gateways);

            gateways.add(1);

            awaitCalm(gateways);
            awaitOnline(listeners, publishers);
            var moved = moved(gateways) - before;
            System.out.printf("rebalance: %s, %.0f moved%n", connections(gateways), moved);
            assertThat(moved).isBetween(MEAN - MEAN / 5.0, 4.0 * MEAN);
            assertThat(told(publishers)).isNotEmpty().containsOnly(ReasonCode.USE_ANOTHER_SERVER);
            publishers.quiet(PATIENCE);
            var account = Account.of(gateways.bootstrap(), Servers.KAFKA_TOPIC, publishers.all());
            account.assertKept();
            account.assertComplete();
        }
    }

    private static Subscriber.Profile listener(int number) {
        var version = number % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
        return new Subscriber.Profile(
                "listener-" + number, version, QoS.AT_LEAST_ONCE, number % 4 == 0, List.of("command/" + number));
    }

    private static void awaitOnline(Audience listeners, Fleet publishers) {
        listeners.awaitAll(PATIENCE, "listeners", it -> it.isOnline() && it.isSubscribed());
        publishers.awaitAll(PATIENCE, "publishers", Publisher::isOnline);
    }

    private static List<Double> connections(GatewayFleet gateways) {
        return gateways.names().stream()
                .map(name -> Gateway.metric(gateways.port(name), "sluice_connections"))
                .toList();
    }

    private static boolean hasShares(GatewayFleet gateways) {
        var connections = connections(gateways);
        return connections.stream().mapToDouble(it -> it).sum() >= LISTENERS + PUBLISHERS
                && connections.stream().allMatch(it -> it <= 1.2 * MEAN);
    }

    /** Each has its share, and for some time nobody moves. */
    private static void awaitCalm(GatewayFleet gateways) {
        var last = new AtomicReference<>(-1.0);
        await("a share for each").during(AFTER.multipliedBy(3)).atMost(PATIENCE).until(() -> {
            var moved = moved(gateways);
            return moved == last.getAndSet(moved) && hasShares(gateways);
        });
    }

    private static double moved(GatewayFleet gateways) {
        return gateways.metric("sluice_disconnects_total{reason=\"use_another_server\"");
    }

    private static List<ReasonCode> told(Fleet publishers) {
        return publishers.all().stream()
                .flatMap(it -> it.disconnects().stream())
                .map(Publisher.Told::reason)
                .toList();
    }
}

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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** How long messages take from a publisher at one gateway to a subscriber at another, beside one at the same: {@code -Dlatency.seconds=20}. */
@EnabledIfSystemProperty(named = "latency.seconds", matches = "\\d+")
class AcrossLatencyIT {
    private static final Duration MEASURED = Duration.ofSeconds(Integer.getInteger("latency.seconds", 20));
    private static final Duration WARM_UP = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int PUBLISHERS = 10;
    /** 1,000 messages a second of all publishers together. */
    private static final Duration PACE = Duration.ofMillis(10);

    private int runs;

    @Test
    void aMessageIsSoonAtAnotherGateway() {
        try (var gateways = GatewayFleet.start("across-latency", 2)) {
            var here = gateways.port(gateways.names().getFirst());
            var there = gateways.port(gateways.names().getLast());
            for (var qos : List.of(QoS.AT_MOST_ONCE, QoS.AT_LEAST_ONCE)) {
                for (var persistent : List.of(false, true)) {
                    measure("the same gateway", here, here, qos, persistent);
                    measure("another gateway", here, there, qos, persistent);
                }
            }
        }
    }

    private void measure(String where, int from, int to, QoS qos, boolean persistent) {
        var fleetName = "fleet" + ++runs;
        try (var audience = new Audience(to);
                var publishers = new Fleet(from)) {
            var subscriber = audience.add(new Subscriber.Profile(
                    fleetName + "-subscriber",
                    ProtocolVersion.V5,
                    qos,
                    persistent,
                    List.of(fleetName + "/+/telemetry")));
            await("a subscription").until(subscriber::isSubscribed);
            for (int i = 0; i < PUBLISHERS; i++) publishers.add(profile(fleetName, i, qos));
            Fleet.runOn(WARM_UP);
            var start = System.nanoTime();
            var before = audience.messages();
            Fleet.runOn(MEASURED);
            var end = System.nanoTime();
            var messages = audience.messages() - before;
            System.out.printf(
                    Locale.ROOT,
                    "latency, %s, QoS %d, %s: %.0f messages/s, p50 %.1f ms, p99 %.1f ms%n",
                    where,
                    qos.ordinal(),
                    persistent ? "with a session" : "live",
                    messages * 1e9 / (end - start),
                    audience.percentile(0.5, start, end),
                    audience.percentile(0.99, start, end));
            assertThat(messages).isPositive();
            publishers.quiet(PATIENCE);
            if (qos != QoS.AT_MOST_ONCE) {
                for (var publisher : publishers) audience.owe(publisher, subscriber);
                audience.awaitComplete(PATIENCE);
                audience.assertNoRepeats();
            }
        }
    }

    private static Publisher.Profile profile(String fleet, int number, QoS qos) {
        return new Publisher.Profile(
                fleet + "-" + number, ProtocolVersion.V5, qos, false, 100, 1, PACE, 128, false, fleet);
    }
}

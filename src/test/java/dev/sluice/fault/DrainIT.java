package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Knock;
import dev.sluice.support.Publisher;
import dev.sluice.support.Stopwatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** SIGTERM under load: everybody is answered and told, and the gateway is gone in time. */
class DrainIT {
    /** The drain without its delay, the records that are under way, and the end of the JVM; orchestrators kill after 30 s. */
    private static final Duration WITHIN = Duration.ofSeconds(15);

    private static final Duration PACE = Duration.ofMillis(100);
    private static final Duration DELAY = Duration.ofSeconds(5);
    /** Clients a second. */
    private static final int RATE = 5;

    private static final int STOPPED_BY_SIGTERM = 143;

    @Test
    void everyoneIsServedDuringTheDelayAndAnsweredBeforeTheGatewayEnds() {
        try (var servers = Servers.start(
                        "drain",
                        "-Dsluice.node.drain-delay=" + DELAY.toSeconds() + "s",
                        "-Dsluice.node.drain-rate=" + RATE);
                var fleet = new Fleet(servers.port())) {
            fleet.add(12, QoS.AT_LEAST_ONCE, PACE);
            fleet.add(8, QoS.EXACTLY_ONCE, PACE);
            fleet.awaitProgress(Duration.ofSeconds(60), 20, fleet.all());
            var stopped = Stopwatch.start();
            var begun = System.nanoTime();
            servers.gateway().process().signal("TERM");
            assertServed(servers, fleet);
            var readiness = new ArrayList<Integer>();
            var knocks = new ArrayList<Knock>();
            watch(servers, readiness, knocks);
            var took = stopped.elapsed();
            var status = servers.gateway().process().exitStatus();
            System.out.printf(
                    Locale.ROOT,
                    "drain: exit status %d after %d ms; readiness meanwhile %s%n",
                    status,
                    took.toMillis(),
                    readiness);
            assertThat(status).isIn(0, STOPPED_BY_SIGTERM);
            assertThat(took).isLessThan(DELAY.plus(WITHIN).plus(stopped.stalled()));
            assertThat(readiness).as("readiness while draining").isNotEmpty().containsOnly(503);
            assertThat(knocks).as("connections while draining").isNotEmpty().allSatisfy(knock -> assertThat(
                            knock.reason())
                    .isNull());
            assertTold(fleet);
            assertPaced(fleet, begun);
            comeBack(servers, fleet);
        }
    }

    /** Nor does a gateway that starts without Kafka, and hence without any metadata, disappoint anyone. */
    @Test
    @Tag("long")
    void aFrozenKafkaHoldsUpNeitherTheEndNorTheNextStart() {
        try (var servers = Servers.start("drain-frozen");
                var fleet = new Fleet(servers.port())) {
            fleet.add(8, QoS.AT_LEAST_ONCE, PACE);
            fleet.add(4, QoS.EXACTLY_ONCE, PACE);
            fleet.awaitProgress(Duration.ofSeconds(60), 20, fleet.all());
            servers.kafka().process().freeze();
            Fleet.runOn(Duration.ofSeconds(1));
            var stopped = Stopwatch.start();
            servers.gateway().process().signal("TERM");
            assertThat(servers.gateway().process().awaitEnd(Duration.ofSeconds(60)))
                    .isTrue();
            stopped.assertLessThan(WITHIN);
            var took = stopped.elapsed();
            assertTold(fleet);
            servers.startGateway();
            fleet.awaitAll(Duration.ofSeconds(60), "everyone is back", Publisher::isOnline);
            Fleet.runOn(Duration.ofSeconds(2));
            servers.kafka().process().thaw();
            fleet.awaitProgress(Duration.ofSeconds(60), 20, fleet.all());
            fleet.quiet(Duration.ofSeconds(60));
            var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
            System.out.printf("drain, Kafka frozen: ended after %d ms; %s%n", took.toMillis(), account.report());
            account.assertKept();
            assertThat(fleet)
                    .allSatisfy(publisher -> assertThat(publisher.connects()).isEqualTo(2));
        }
    }

    /** Not ready, and yet all is as always. */
    private static void assertServed(Servers servers, Fleet fleet) {
        await().until(() -> servers.readiness() == 503);
        assertThat(Knock.at(servers.port(), ProtocolVersion.V5, "early").reason())
                .isEqualTo(ReasonCode.SUCCESS);
        fleet.awaitProgress(DELAY, 1, fleet.all());
        assertThat(fleet)
                .allSatisfy(publisher -> assertThat(publisher.disconnects()).isEmpty());
    }

    /** Nobody is told before the delay is over, and no more in a second than the rate, from the first to the last of those of MQTT 5. */
    private static void assertPaced(Fleet fleet, long begun) {
        var told = fleet.all().stream()
                .flatMap(publisher -> publisher.disconnects().stream())
                .mapToLong(Publisher.Told::at)
                .sorted()
                .toArray();
        assertThat(told[0] - begun).isGreaterThanOrEqualTo(DELAY.toNanos());
        for (int i = 0; i + 2 * RATE - 1 < told.length; i++)
            assertThat(told[i + 2 * RATE - 1] - told[i])
                    .isGreaterThan(Duration.ofMillis(1_000).toNanos());
    }

    /** Asks again and again until the process has ended. */
    private static void watch(Servers servers, List<Integer> readiness, List<Knock> knocks) {
        await().until(() -> Knock.at(servers.port(), ProtocolVersion.V5, "late").reason() == null);
        while (!servers.gateway().process().awaitEnd(Duration.ofMillis(200))) {
            var status = servers.readiness();
            if (status != 0 && (readiness.isEmpty() || readiness.getLast() != status)) readiness.add(status);
            knocks.add(Knock.at(servers.port(), ProtocolVersion.V5, "late"));
        }
    }

    private static void assertTold(Fleet fleet) {
        assertThat(fleet).allSatisfy(publisher -> {
            var v5 = publisher.profile().version().isV5();
            assertThat(publisher.disconnects().stream().map(Publisher.Told::reason))
                    .as(publisher.profile().clientId())
                    .isEqualTo(v5 ? List.of(ReasonCode.SERVER_SHUTTING_DOWN) : List.of());
        });
    }

    /** What was produced was also acknowledged: nothing is there twice. */
    private static void comeBack(Servers servers, Fleet fleet) {
        servers.startGateway();
        servers.gateway().awaitReady();
        fleet.awaitProgress(Duration.ofSeconds(60), 1, fleet.all());
        fleet.quiet(Duration.ofSeconds(60));
        var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
        System.out.println("drain: " + account.report());
        account.assertKept();
        account.assertNoRepeats();
    }
}

package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.AckTimes;
import dev.sluice.support.Knock;
import dev.sluice.support.Publisher;
import dev.sluice.support.Stopwatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** PostgreSQL frozen, and stopped and started again: who is connected goes on, who comes is told to come later. */
class PostgresFaultIT {
    private static final Duration OUTAGE = Duration.ofSeconds(12);
    private static final Duration FIRST_ANSWER = Duration.ofSeconds(5);
    private static final Duration LATER_ANSWER = Duration.ofSeconds(1);

    @Test
    void connectedClientsGoOn() throws Exception {
        try (var servers = Servers.start("postgres");
                var fleet = new Fleet(servers.port())) {
            fleet.add(8, QoS.AT_LEAST_ONCE, Duration.ofMillis(40));
            fleet.add(6, QoS.EXACTLY_ONCE, Duration.ofMillis(100));
            fleet.awaitProgress(Duration.ofSeconds(60), 20, fleet.all());
            var start = System.nanoTime();
            Fleet.runOn(Duration.ofSeconds(4));
            var usual = p99(fleet, start, System.nanoTime());
            System.out.printf(Locale.ROOT, "postgres: QoS 1 ack p99 %.1f ms%n", usual);
            var process = servers.postgres().process();
            outage("frozen", servers, fleet, usual, process::freeze, process::thaw);
            outage("stopped", servers, fleet, usual, servers.postgres()::close, servers::startPostgres);
            fleet.quiet(Duration.ofSeconds(60));
            var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
            System.out.println("postgres: " + account.report());
            account.assertKept();
            account.assertNoRepeats();
        }
    }

    private static double p99(Fleet fleet, long from, long to) {
        return AckTimes.percentile(0.99, fleet.of(QoS.AT_LEAST_ONCE), from, to);
    }

    private static void outage(String name, Servers servers, Fleet fleet, double usual, Runnable begin, Runnable end)
            throws Exception {
        var watch = Stopwatch.start();
        var start = System.nanoTime();
        begin.run();
        var first = knock(servers.port(), 20);
        await("red").until(() -> servers.readiness() == 503);
        var later = knock(servers.port(), 20);
        var before = acknowledged(fleet);
        fleet.awaitProgress(Duration.ofSeconds(15), 50, fleet.of(QoS.AT_LEAST_ONCE));
        Fleet.runOn(OUTAGE.minusNanos(System.nanoTime() - start));
        var ended = System.nanoTime();
        var p99 = p99(fleet, start, ended);
        var acknowledged = acknowledged(fleet) - before;
        end.run();
        var back = System.nanoTime();
        fleet.awaitProgress(Duration.ofSeconds(60), 1, fleet.of(QoS.EXACTLY_ONCE));
        var qos2 = System.nanoTime() - back;
        await("green").until(() -> servers.readiness() == 200);
        assertThat(knock(servers.port(), 4))
                .allSatisfy(knock -> assertThat(knock.reason()).isEqualTo(ReasonCode.SUCCESS));
        System.out.printf(
                Locale.ROOT,
                "postgres %s: QoS 1 acknowledged meanwhile %,d, ack p99 %.1f ms; refused at first within %d ms, later within"
                        + " %d ms; QoS 2 acknowledgements again after %d ms%n",
                name,
                acknowledged,
                p99,
                slowest(first).toMillis(),
                slowest(later).toMillis(),
                qos2 / 1_000_000);
        var stalled = watch.stalled();
        assertRefused(first, FIRST_ANSWER.plus(stalled));
        assertRefused(later, LATER_ANSWER.plus(stalled));
        assertThat(p99).as("QoS 1 ack p99 in ms without PostgreSQL").isLessThan(3 * usual + 100 + stalled.toMillis());
        assertUndisturbed(fleet);
    }

    private static int acknowledged(Fleet fleet) {
        return fleet.of(QoS.AT_LEAST_ONCE).stream()
                .mapToInt(Publisher::acknowledgedCount)
                .sum();
    }

    private static void assertRefused(List<Knock> knocks, Duration within) {
        assertThat(knocks).allSatisfy(knock -> {
            assertThat(knock.reason()).isEqualTo(ReasonCode.SERVER_UNAVAILABLE);
            assertThat(knock.took()).isLessThan(within);
        });
    }

    private static Duration slowest(List<Knock> knocks) {
        return knocks.stream().map(Knock::took).max(Duration::compareTo).orElseThrow();
    }

    /** Clients of both versions that connect at the same time. */
    private static List<Knock> knock(int port, int count) throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers = new ArrayList<Future<Knock>>();
            for (int i = 0; i < count; i++) {
                var version = i % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
                var clientId = "knock-" + i;
                answers.add(threads.submit(() -> Knock.at(port, version, clientId)));
            }
            var knocks = new ArrayList<Knock>();
            for (var answer : answers) knocks.add(answer.get());
            return knocks;
        }
    }

    private static void assertUndisturbed(Fleet fleet) {
        assertThat(fleet).allSatisfy(publisher -> {
            assertThat(publisher.negatives()).isEmpty();
            assertThat(publisher.disconnects()).isEmpty();
            assertThat(publisher.connects()).isEqualTo(1);
        });
    }
}

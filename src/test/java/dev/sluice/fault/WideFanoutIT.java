package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.AckTimes;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * One publish to very many stored sessions, {@code -Dfanout.sessions=300000}: how long its PUBACK takes, and what others and the heap feel of
 * it.
 */
@EnabledIfSystemProperty(named = "fanout.sessions", matches = "\\d+")
class WideFanoutIT {
    private static final int SESSIONS = Integer.getInteger("fanout.sessions", 0);
    private static final Duration PACE = Duration.ofMillis(20);
    private static final Duration ALONE = Duration.ofSeconds(10);
    private static final String TOPIC = "plant/all";

    @Test
    void allGetItAndOthersGoOn() {
        try (var servers = Servers.start("wide", "-Xmx512m")) {
            servers.gateway().close();
            servers.execute("""
                    INSERT INTO session (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, created_at,
                                         connected_at, disconnected_at, expires_at)
                    SELECT n, 'wide-' || n, n, 'fault', false, false, 5, 4294967295, now(), now(), now(), NULL
                      FROM (SELECT nextval('session_epoch') AS n FROM generate_series(1, %d)) AS numbers;
                    INSERT INTO queue (session_id) SELECT id FROM session WHERE client_id LIKE 'wide-%%';
                    INSERT INTO queue_out (session_id) SELECT id FROM session WHERE client_id LIKE 'wide-%%';
                    INSERT INTO subscription (session_id, filter, qos, no_local, retain_as_published, retain_handling, identifier)
                    SELECT id, '%s', 1, false, false, 0, 0 FROM session WHERE client_id LIKE 'wide-%%'""".formatted(SESSIONS, TOPIC));
            servers.execute("ANALYZE");
            var start = System.nanoTime();
            servers.startGateway();
            servers.gateway().awaitReady();
            say("ready after %,d ms, live heap %,d MB", millis(start), servers.liveHeap() >> 20);
            try (var fleet = new Fleet(servers.port())) {
                fleet.add(8, QoS.AT_LEAST_ONCE, PACE);
                fleet.add(8, QoS.EXACTLY_ONCE, PACE);
                fleet.awaitProgress(Duration.ofSeconds(60), 50, fleet.all());
                var alone = System.nanoTime();
                Fleet.runOn(ALONE);
                say("others alone", fleet, alone);
                publish(servers, fleet);
                fleet.quiet(Duration.ofSeconds(60));
            }
            say("at the end: live heap %,d MB", servers.liveHeap() >> 20);
        }
    }

    private static void publish(Servers servers, Fleet fleet) {
        try (var client = WireClient.open(servers.port(), ProtocolVersion.V5)) {
            client.patience(Duration.ofMinutes(5))
                    .connect(new Packet.Connect(
                            ProtocolVersion.V5, true, 600, "publisher", null, null, null, Properties.NONE))
                    .receive(Packet.ConnAck.class);
            var start = System.nanoTime();
            client.sendPackets(new Packet.Publish(
                    false, QoS.AT_LEAST_ONCE, false, TopicName.of(TOPIC), 1, Properties.NONE, new byte[1000]));
            var answer = CompletableFuture.supplyAsync(() -> client.receive(Packet.PubAck.class));
            var most = 0.0;
            while (!answer.isDone()) {
                most = Math.max(most, servers.metric("jvm_memory_used_bytes{area=\"heap\""));
                Fleet.runOn(Duration.ofMillis(200));
            }
            assertThat(answer.join().packetId()).isEqualTo(1);
            say("PUBACK after %,d ms; heap at most %,.0f MB", millis(start), most / (1 << 20));
            say("others meanwhile", fleet, start);
        }
        await().until(() -> servers.query(
                        "SELECT count(*) FROM queued JOIN message m ON m.id = message_id WHERE m.topic = '" + TOPIC
                                + "'")
                .equals(Integer.toString(SESSIONS)));
        assertThat(servers.query("SELECT count(*) FROM message")).isEqualTo("1");
        assertThat(servers.query("SELECT count(*) FROM fanout")).isEqualTo("0");
    }

    private static void say(String when, Fleet fleet, long from) {
        var now = System.nanoTime();
        say(
                "%s: p99 of QoS 1 %.1f ms, of QoS 2 %.1f ms; slowest %.1f ms",
                when,
                AckTimes.percentile(0.99, fleet.of(QoS.AT_LEAST_ONCE), from, now),
                AckTimes.percentile(0.99, fleet.of(QoS.EXACTLY_ONCE), from, now),
                AckTimes.percentile(1, fleet, from, now));
    }

    private static long millis(long since) {
        return (System.nanoTime() - since) / 1_000_000;
    }

    private static void say(String text, Object... values) {
        System.out.printf(Locale.ROOT, "fan-out, %,d sessions: ".formatted(SESSIONS) + text + "%n", values);
    }
}

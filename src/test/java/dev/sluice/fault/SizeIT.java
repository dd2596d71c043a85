package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.WireClient;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Many sessions with ten queued messages each, {@code -Dsize.sessions=1000000}: every second one was connected to this gateway when it was
 * killed and has a will, and one message of each session has expired. What a start with them takes, a sweep that finds nothing, and the
 * resume of one session. {@code -Dsize.subscriptions=100000} of them have a subscription, which the gateway holds in memory.
 */
@EnabledIfSystemProperty(named = "size.sessions", matches = "\\d+")
class SizeIT {
    private static final int SESSIONS = Integer.getInteger("size.sessions", 0);
    private static final int SUBSCRIPTIONS = Integer.getInteger("size.subscriptions", 0);
    private static final Duration MINUTE = Duration.ofMinutes(1);
    /** In a minute, by default. */
    private static final int SWEEPS = 6;

    private static final int CHUNK = 50_000;
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    /** Of a sweep; far below the number of sessions that the figures are of interest for. */
    private static final int ROWS_OF_A_SWEEP = 3000;

    /** Each statement sees what the ones before it have written; %3$d is the last session of the chunk before. */
    private static final List<String> FILL = List.of(
            """
            INSERT INTO session (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, created_at, connected_at,
                                 disconnected_at, send_quota)
            SELECT e, 'device-' || n, e, 'fault', n %% 2 = 0, false, 5, 4294967295, now(), now(),
                   CASE WHEN n %% 2 = 1 THEN now() END, 5
              FROM (SELECT n, nextval('session_epoch') AS e FROM generate_series(%1$d, %2$d) n) s""",
            "INSERT INTO queue SELECT id, 10, 10, 1000 FROM session WHERE id > %3$d",
            "INSERT INTO queue_out SELECT id, 0, 0, 5 FROM session WHERE id > %3$d",
            """
            INSERT INTO queued (session_id, seq, expires_at, bytes, qos, message_qos, retain, message_retain, topic, payload)
            SELECT s.id, n, CASE n WHEN 1 THEN now() - interval '1 h' WHEN 2 THEN now() + interval '1 d' END, 100, 1, 1, false, false,
                   'fleet/' || s.client_id || '/command', convert_to(repeat('x', 30), 'UTF8')
              FROM session s, generate_series(1, 10) n WHERE s.id > %3$d""",
            """
            INSERT INTO will (client_id, delay_seconds, topic, qos, retain, payload)
            SELECT client_id, 86400, 'fleet/' || client_id || '/state', 1, true, 'gone' FROM session WHERE connected AND id > %3$d""");

    @Test
    void startsSweepsAndResumesCostWhatChanges() {
        try (var servers = Servers.start("size", "-Xmx512m")) {
            servers.gateway().close();
            fill(servers);
            var start = System.nanoTime();
            servers.startGateway();
            servers.gateway().awaitLive();
            connect(servers.port(), "newcomer", 0).close();
            say("first CONNACK after %,.0f ms", millis(start));
            servers.gateway().awaitReady();
            say("ready after %,.0f ms", millis(start));
            resume(servers, 1);
            resume(servers, 2);

            await().atMost(Duration.ofHours(1)).until(() -> none(servers, "session WHERE connected"));
            say("connections of the killed run ended after %,.0f ms", millis(start));
            await().atMost(Duration.ofHours(1))
                    .until(() -> none(servers, "queued WHERE expires_at <= now() AND NOT passed_over"));
            say("what has expired is swept after %,.0f ms", millis(start));
            resume(servers, 3);
            sweep(servers);
            say("at the end: live heap %,.0f MB", servers.liveHeap() / 1e6);
        }
    }

    private static void fill(Servers servers) {
        var begun = System.nanoTime();
        for (int n = 1; n <= SESSIONS; n += CHUNK) {
            var last = Math.min(n + CHUNK - 1, SESSIONS);
            var before = Long.parseLong(servers.query("SELECT coalesce(max(id), 0) FROM session"));
            for (var sql : FILL) servers.execute(sql.formatted(n, last, before));
        }
        servers.execute(
                "INSERT INTO subscription (session_id, filter, qos, no_local, retain_as_published, retain_handling, identifier)"
                        + " SELECT id, 'fleet/' || client_id || '/command', 1, false, false, 0, 0 FROM session LIMIT "
                        + SUBSCRIPTIONS);
        servers.execute("VACUUM ANALYZE");
        say(
                "filled in %,.0f s, %s",
                millis(begun) / 1000, servers.query("SELECT pg_size_pretty(pg_database_size(current_database()))"));
    }

    private static boolean none(Servers servers, String rows) {
        return "t".equals(servers.query("SELECT NOT EXISTS (SELECT FROM " + rows + ")"));
    }

    /** Its first message has expired: whether the client gets it depends on whether it may have been sent. */
    private static void resume(Servers servers, int device) {
        var start = System.nanoTime();
        try (var client = connect(servers.port(), "device-" + device, 0xFFFF_FFFFL)) {
            var connected = millis(start);
            var first = 0.0;
            for (var seen = 0; seen < 9; ) {
                var publish = client.receive(Packet.Publish.class);
                if (first == 0) first = millis(start);
                client.sendPackets(new Packet.PubAck(publish.packetId()));
                if (publish.packetId() > 2) seen++;
            }
            say("resume: CONNACK after %.1f ms, first message %.1f ms, last %.1f ms", connected, first, millis(start));
            client.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE));
        }
    }

    /** Counts what a minute without clients reads; what the last client has left is swept in the first one. */
    private static void sweep(Servers servers) {
        var before = new AtomicLong(read(servers));
        await().pollInterval(MINUTE).atMost(MINUTE.multipliedBy(5)).until(() -> {
            var now = read(servers);
            var rows = (now - before.getAndSet(now)) / SWEEPS;
            say("a sweep reads %,d rows and index entries", rows);
            return rows < ROWS_OF_A_SWEEP;
        });
    }

    private static long read(Servers servers) {
        return Long.parseLong(servers.query("""
                SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)"""));
    }

    private static WireClient connect(int port, String clientId, long expiry) {
        var client = WireClient.open(port, V5);
        var properties = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, expiry);
        var answer = client.connect(new Packet.Connect(V5, false, 600, clientId, null, null, null, properties))
                .receive(Packet.ConnAck.class);
        assertThat(answer.reason().isError()).isFalse();
        return client;
    }

    private static double millis(long since) {
        return (System.nanoTime() - since) / 1e6;
    }

    private static void say(String text, Object... values) {
        System.out.printf(Locale.ROOT, "%,d sessions: ".formatted(SESSIONS) + text + "%n", values);
    }
}

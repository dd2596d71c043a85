package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Many sessions that are offline and have a subscription each, {@code -Dstored.subscriptions=1000000}: what a start takes until the first
 * CONNACK, the heap that they need, and what a publish costs that one of them gets.
 */
@EnabledIfSystemProperty(named = "stored.subscriptions", matches = "\\d+")
class StoredSubscriptionsIT {
    private static final int SUBSCRIPTIONS = Integer.getInteger("stored.subscriptions", 0);
    private static final int CHUNK = 100_000;
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final int WINDOW = 50;
    private static final int MESSAGES = 20_000;
    /** Of {@code /proc/PID/stat}. */
    private static final double TICKS_A_SECOND = 100;

    private static final List<String> FILL = List.of(
            """
            INSERT INTO session (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, created_at, connected_at,
                                 disconnected_at, send_quota)
            SELECT e, 'device-' || n, e, 'fault', false, false, 5, 4294967295, now(), now(), now(), 5
              FROM (SELECT n, nextval('session_epoch') AS e FROM generate_series(%1$d, %2$d) n) s""",
            "INSERT INTO queue SELECT id FROM session WHERE id > %3$d",
            "INSERT INTO queue_out SELECT id FROM session WHERE id > %3$d",
            """
            INSERT INTO subscription (session_id, filter, qos, no_local, retain_as_published, retain_handling, identifier)
            SELECT id, 'fleet/' || client_id || '/command', 1, false, false, 0, 0 FROM session WHERE id > %3$d""");

    @Test
    void aStartAndAPublishCostLittle() {
        try (var servers = Servers.start(
                "stored-subscriptions",
                "-Xmx3g",
                "-XX:TieredStopAtLevel=4",
                "-XX:-UseSerialGC",
                "-XX:+UseG1GC",
                "-XX:+UseCompactObjectHeaders",
                "-Dsluice.store.sessions-maximum=" + 2 * SUBSCRIPTIONS)) {
            var empty = servers.leastHeap(Long.MAX_VALUE);
            start(servers, "none");
            fill(servers);
            start(servers, "with them");
            var heap = servers.leastHeap(Long.MAX_VALUE);
            say("live heap %,d MB, %,d bytes each", heap / 1_000_000, (heap - empty) / SUBSCRIPTIONS);
            assertThat(servers.metric("sluice_subscriptions")).isEqualTo(SUBSCRIPTIONS);
            try (var publisher = connect(servers.port())) {
                for (int round = 0; round < 3; round++) {
                    var nobody = publish(servers, publisher, round, n -> "fleet/device-" + n + "/nobody");
                    var one = publish(servers, publisher, round, n -> "fleet/device-" + n + "/command");
                    say("CPU of a publish for nobody %.0f us, for one of them %.0f us", nobody, one);
                }
            }
            assertThat(servers.query("SELECT count(*) FROM queued")).isEqualTo(Integer.toString(3 * MESSAGES));
        }
    }

    private static void start(Servers servers, String what) {
        servers.gateway().close();
        var begun = System.nanoTime();
        servers.startGateway();
        servers.gateway().awaitLive();
        connect(servers.port()).close();
        var first = millis(begun);
        servers.gateway().awaitReady();
        say("a start, %s: first CONNACK after %,.0f ms, ready after %,.0f ms", what, first, millis(begun));
    }

    private static void fill(Servers servers) {
        var begun = System.nanoTime();
        for (int n = 1; n <= SUBSCRIPTIONS; n += CHUNK) {
            var last = Math.min(n + CHUNK - 1, SUBSCRIPTIONS);
            var before = Long.parseLong(servers.query("SELECT coalesce(max(id), 0) FROM session"));
            for (var sql : FILL) servers.execute(sql.formatted(n, last, before));
        }
        servers.execute("VACUUM ANALYZE");
        say("filled in %,.0f s", millis(begun) / 1000);
    }

    /** Returns the CPU time of the gateway for each message, in microseconds. */
    private static double publish(Servers servers, WireClient publisher, int round, IntFunction<String> topic) {
        var step = Math.max(1, SUBSCRIPTIONS / MESSAGES);
        var before = cpuSeconds(servers);
        for (int sent = 0; sent < MESSAGES; sent += WINDOW) {
            var packets = new ArrayList<Packet>();
            for (int i = 0; i < WINDOW; i++) {
                var device = 1 + ((sent + i) * step + round) % SUBSCRIPTIONS;
                packets.add(new Packet.Publish(
                        false,
                        QoS.AT_LEAST_ONCE,
                        false,
                        TopicName.of(topic.apply(device)),
                        i + 1,
                        Properties.NONE,
                        new byte[64]));
            }
            publisher.sendPackets(packets.toArray(Packet[]::new));
            for (int i = 0; i < WINDOW; i++)
                assertThat(publisher.receive(Packet.PubAck.class).reason().isError())
                        .isFalse();
        }
        return (cpuSeconds(servers) - before) * 1e6 / MESSAGES;
    }

    private static double cpuSeconds(Servers servers) {
        var pid = Long.toString(servers.gateway().process().pid());
        try {
            var stat = Files.readString(Path.of("/proc", pid, "stat"));
            var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_A_SECOND;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static WireClient connect(int port) {
        var client = WireClient.open(port, V5);
        var answer = client.connect(new Packet.Connect(V5, true, 600, "publisher", null, null, null, Properties.NONE))
                .receive(Packet.ConnAck.class);
        assertThat(answer.reason().isError()).isFalse();
        return client;
    }

    private static double millis(long since) {
        return (System.nanoTime() - since) / 1e6;
    }

    private static void say(String text, Object... values) {
        System.out.printf(Locale.ROOT, "%,d subscriptions: ".formatted(SUBSCRIPTIONS) + text + "%n", values);
    }
}

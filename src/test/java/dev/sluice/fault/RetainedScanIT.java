package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Many retained messages, {@code -Dretained.topics=1000000}: what a start with them takes, and what subscriptions to them take, from
 * themselves and from a publisher beside them.
 */
@EnabledIfSystemProperty(named = "retained.topics", matches = "\\d+")
class RetainedScanIT {
    private static final int TOPICS = Integer.getInteger("retained.topics", 0);
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final TopicName TELEMETRY = TopicName.of("fleet/p/telemetry");
    private static final long EVERY_NANOS = 5_000_000;
    /** Messages that the publisher sends with nobody beside it. */
    private static final int ALONE = 1000;

    private final Queue<Long> waits = new ConcurrentLinkedQueue<>();
    private volatile boolean over;

    @Test
    void subscriptionsAreServedAndPublishersAreNotHeldUp() {
        try (var servers = Servers.start("scan", "-Xmx512m")) {
            servers.gateway().close();
            servers.execute("INSERT INTO retained (topic, qos, payload) SELECT 'plant/device-' || lpad(n::text, 7, '0')"
                    + " || '/state', 1, convert_to(repeat('x', 100), 'UTF8') FROM generate_series(1, " + TOPICS
                    + ") AS n; INSERT INTO retained (topic, qos, payload) VALUES ('hall/x', 1, 'x'); ANALYZE retained");
            var start = System.nanoTime();
            servers.startGateway();
            servers.gateway().awaitReady();
            say(
                    "ready after %,.0f ms, live heap %,.0f MB, RSS %,.0f MB",
                    millis(start), heap(servers), servers.residentBytes() / 1e6);

            try (var client = online(servers.port(), "p")) {
                var publisher = CompletableFuture.runAsync(() -> publish(client));
                await().until(() -> waits.size() >= ALONE || publisher.isDone());
                say("publisher alone: p99 %.1f ms", percentile99());
                scan(servers.port(), "plant/device-0000077/state", QoS.AT_LEAST_ONCE, 1);
                scan(servers.port(), "+/x", QoS.AT_LEAST_ONCE, 1);
                scan(servers.port(), "+/none", QoS.AT_LEAST_ONCE, 0);
                scan(servers.port(), "#", QoS.AT_MOST_ONCE, TOPICS + 1);
                scan(servers.port(), "#", QoS.AT_LEAST_ONCE, TOPICS + 1);
                over = true;
                publisher.join();
            }
            say("at the end: live heap %,.0f MB, RSS %,.0f MB", heap(servers), servers.residentBytes() / 1e6);
        }
    }

    private static WireClient online(int port, String clientId) {
        var client = WireClient.open(port, V5);
        client.connect(new Packet.Connect(V5, true, 600, clientId, null, null, null, Properties.NONE))
                .receive(Packet.ConnAck.class);
        return client;
    }

    private void publish(WireClient client) {
        var next = System.nanoTime();
        for (int n = 0; !over; n++) {
            LockSupport.parkNanos(next - System.nanoTime());
            var sent = System.nanoTime();
            var packetId = n % 65_535 + 1;
            client.sendPackets(new Packet.Publish(
                    false, QoS.AT_LEAST_ONCE, false, TELEMETRY, packetId, Properties.NONE, new byte[20]));
            assertThat(client.receive(Packet.PubAck.class).packetId()).isEqualTo(packetId);
            waits.add(System.nanoTime() - sent);
            next = Math.max(next + EVERY_NANOS, System.nanoTime());
        }
    }

    /** Milliseconds that the publisher's acknowledgements took since this was asked last. */
    private double percentile99() {
        var sorted = waits.stream().mapToLong(it -> it).sorted().toArray();
        waits.clear();
        return sorted.length == 0 ? 0 : sorted[(int) (sorted.length * 0.99)] / 1e6;
    }

    private void scan(int port, String filter, QoS qos, int messages) {
        percentile99();
        try (var client = online(port, "scan")) {
            var start = System.nanoTime();
            var subscription = new Subscription(filter, qos, false, false, 0);
            client.sendPackets(new Packet.Subscribe(1, List.of(subscription), Properties.NONE));
            client.receive(Packet.SubAck.class);
            var granted = millis(start);
            var first = 0.0;
            for (int n = 0; n < messages; n++) {
                var publish = client.receive(Packet.Publish.class);
                if (n == 0) first = millis(start);
                if (publish.qos() == QoS.AT_LEAST_ONCE) client.sendPackets(new Packet.PubAck(publish.packetId()));
            }
            var all = millis(start);
            say(
                    "%s at QoS %d: SUBACK %.1f ms, first %.1f ms, %,d messages %,.0f ms (%,.0f/s); publisher's p99 %.1f ms",
                    filter, qos.ordinal(), granted, first, messages, all, messages / all * 1000, percentile99());
        }
    }

    private static double millis(long since) {
        return (System.nanoTime() - since) / 1e6;
    }

    private static double heap(Servers servers) {
        return servers.liveHeap() / 1e6;
    }

    private static void say(String text, Object... values) {
        System.out.printf(Locale.ROOT, "retained, %,d topics: ".formatted(TOPICS) + text + "%n", values);
    }
}

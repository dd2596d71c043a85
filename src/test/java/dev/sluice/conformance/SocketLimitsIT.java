package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.WireClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * A gateway with few sockets for each address and few in all, pages of one other host, little time for a packet, and pings after 1 s; with
 * few connections, and a message a second for each client; and with trusted proxies.
 */
class SocketLimitsIT {
    static final int PER_ADDRESS = 8;
    static final int CONNECTIONS = 4;
    private static final int IN_ALL = 60;
    private static final String GET = "GET /mqtt HTTP/1.1";

    static int port;
    static Path log;
    private static GatewayProcess gateway;

    @BeforeAll
    static void start() {
        gateway = Gateway.shared()
                .startAnother(
                        used -> port = used,
                        "-Dsluice.mqtt.connections-per-address-maximum=" + PER_ADDRESS,
                        "-Dsluice.mqtt.connections-maximum=" + IN_ALL,
                        "-Dsluice.mqtt.allowed-origins=https://app.example,http://app.example:3000",
                        "-Dsluice.mqtt.packet-timeout=2s",
                        "-Dsluice.mqtt.connect-timeout=20s",
                        "-Dsluice.mqtt.ping-interval=1s",
                        "-Dsluice.limits.per.client.messages-in=1",
                        "-Dsluice.limits.per.gateway.connections=" + CONNECTIONS,
                        "-Dsluice.proxy.trusted=127.0.0.8/30,10.0.0.0/8",
                        "-Dsluice.proxy.forwarded=x-forwarded-for",
                        "-Dquarkus.log.category.\"dev.sluice\".level=DEBUG");
        log = gateway.log();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    @Nested
    class LimitedReturn extends LimitedReturnCases {}

    @Nested
    class BehindProxy extends BehindProxyCases {}

    private static double refused(String reason) {
        return metric("sluice_sockets_refused_total", reason);
    }

    private static double metric(String name, String label) {
        return Gateway.get(port, "/q/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(name) && line.contains(label))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private static int upgraded(List<RawHttp> sockets, String address, int tries) {
        var upgraded = 0;
        for (int i = 0; i < tries; i++) {
            var socket = new RawHttp(port, address);
            sockets.add(socket);
            if (socket.flood(RawHttp.upgrade(GET).getBytes(), 1) > 0 && socket.status() == 101) upgraded++;
        }
        return upgraded;
    }

    @Test
    void socketsFromOneAddressAndInAllAreBounded() {
        var sockets = new ArrayList<RawHttp>();
        try {
            var before = refused("connections-per-address-maximum");
            assertThat(upgraded(sockets, "127.0.0.2", PER_ADDRESS + 3)).isEqualTo(PER_ADDRESS);
            assertThat(refused("connections-per-address-maximum")).isEqualTo(before + 3);
            // Others have their own.
            assertThat(upgraded(sockets, "127.0.0.3", 2)).isEqualTo(2);
            // One that leaves makes room.
            sockets.getFirst().close();
            await().until(() -> upgraded(sockets, "127.0.0.2", 1) == 1);
            var inAll = refused("connections-maximum");
            var more = IntStream.of(3, 4, 6, 7, 12, 13, 14)
                    .map(host -> upgraded(sockets, "127.0.0." + host, PER_ADDRESS))
                    .sum();
            // This machine's own sockets that ask for metrics are among them.
            assertThat(PER_ADDRESS + 2 + more).isBetween(IN_ALL - 4, IN_ALL);
            assertFull(sockets);
            sockets.forEach(RawHttp::close);
            await().ignoreExceptions().until(() -> metric("sluice_sockets ", "") < 5);
            assertThat(refused("connections-maximum")).isGreaterThan(inAll);
            await().until(() -> Gateway.get(port, "/q/health/ready").statusCode() == 200);
        } finally {
            sockets.forEach(RawHttp::close);
        }
    }

    /** Whoever is refused is told when to come back, and load balancers to bring nobody here. */
    private static void assertFull(List<RawHttp> sockets) {
        var refused = new RawHttp(port, "127.0.0.5");
        sockets.add(refused);
        assertThat(refused.send(RawHttp.upgrade(GET)).head())
                .startsWith("HTTP/1.1 503 ")
                .containsPattern("(?i)\\r\\nretry-after: [1-5]\\r\\n");
        var readiness = Gateway.get(port, "/q/health/ready");
        assertThat(readiness.statusCode()).isEqualTo(503);
        assertThat(readiness.body()).contains("sluice.mqtt.connections-maximum is " + IN_ALL);
    }

    @Test
    void pagesOfTheListMayConnect() {
        for (var origin : List.of("https://app.example", "http://app.example:3000", "http://localhost"))
            assertThat(statusFor(origin)).as(origin).isEqualTo(101);
        for (var origin : List.of("http://app.example", "https://other.example"))
            assertThat(statusFor(origin)).as(origin).isEqualTo(403);
    }

    private static int statusFor(String origin) {
        try (var socket = new RawHttp(port, "127.0.0.5")) {
            return socket.send(RawHttp.upgrade(GET, "Origin: " + origin)).status();
        }
    }

    private static WireClient online(int keepAlive) {
        var client = WireClient.open(port, ProtocolVersion.V5);
        client.connect(new Packet.Connect(
                ProtocolVersion.V5, true, keepAlive, Device.id("limits"), null, null, null, Properties.NONE));
        client.receive(Packet.ConnAck.class);
        return client;
    }

    /** Without a keep alive, a packet in single bytes ends the connection when its time is over. */
    @Test
    void aPacketThatNeverBecomesWholeIsNotWaitedFor() {
        try (var client = online(0)) {
            var start = Stopwatch.start();
            drip(client);
            Device.assertEnded(client, ProtocolVersion.V5, ReasonCode.KEEP_ALIVE_TIMEOUT);
            start.assertBetween(Duration.ofSeconds(2), Duration.ofSeconds(6));
        }
    }

    /** Bytes of a packet are no packet [MQTT-3.1.2-22]. */
    @Test
    void singleBytesAreNoSignOfLife() {
        try (var client = online(1)) {
            var start = Stopwatch.start();
            drip(client);
            Device.assertEnded(client, ProtocolVersion.V5, ReasonCode.KEEP_ALIVE_TIMEOUT);
            start.assertLessThan(Duration.ofMillis(4500));
        }
    }

    private static void drip(WireClient client) {
        var bytes = client.bytes(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/drip", new byte[2000], Properties.NONE));
        var dripping = new Thread(() -> {
            for (byte next : Arrays.copyOf(bytes, bytes.length - 1)) {
                client.sendWhileOpen(Frames.binary(new byte[] {next}), 1);
                java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
            }
        });
        dripping.setDaemon(true);
        dripping.start();
    }

    /** A client that is to show itself at least as often needs no ping. */
    @Test
    void aClientWithAShortKeepAliveIsNotPinged() throws Exception {
        try (var client = online(1)) {
            client.socket().setSoTimeout(600);
            for (int i = 0; i < 6; i++) {
                client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
                java.util.concurrent.locks.LockSupport.parkNanos(500_000_000);
            }
            assertThat(client.pings()).isZero();
        }
    }

    @Test
    void aClientThatIsNotSilentIsNotPinged() {
        try (var client = online(0)) {
            for (int i = 0; i < 12; i++) {
                client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
                java.util.concurrent.locks.LockSupport.parkNanos(300_000_000);
            }
            assertThat(client.pings()).isZero();
        }
    }

    @Test
    void aSilentClientIsPingedAndGoesOn() {
        try (var client = online(0)) {
            var ping = client.nextFrame();
            assertThat(ping.opcode()).isEqualTo(Frames.PING);
            client.send(Frames.masked(true, Frames.PONG, ping.payload()));
            client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        }
    }

    /** Paho Python answers so. */
    @Test
    void anUnmaskedPongIsAnAnswerAndCounted() {
        var before = metric("sluice_pongs_unmasked_total", "");
        try (var client = online(60)) {
            for (int i = 0; i < 2; i++) {
                var ping = client.nextFrame();
                assertThat(ping.opcode()).isEqualTo(Frames.PING);
                client.send(Frames.unmasked(Frames.PONG, ping.payload()));
            }
            client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        }
        assertThat(metric("sluice_pongs_unmasked_total", "")).isEqualTo(before + 2);
    }
}

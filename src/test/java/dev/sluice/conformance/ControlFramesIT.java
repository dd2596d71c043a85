package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Pings, pongs and Close frames of a client (RFC 6455, section 5.5), and what a violation ends. */
class ControlFramesIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private final String clientId = Device.id("control");
    private final String topic = "talk/" + clientId;

    private static byte[] close(String hex) {
        return Frames.masked(true, Frames.CLOSE, HexFormat.of().parseHex(hex));
    }

    private WireClient mortal() {
        var will = new Will(
                TopicName.of(topic),
                QoS.AT_LEAST_ONCE,
                false,
                Properties.NONE,
                "gone".getBytes(StandardCharsets.UTF_8));
        var client = Device.socket(V5);
        Device.connected(client, Device.connect(V5, clientId, will, Properties.NONE));
        return client;
    }

    /** Asserts that the server's stream ends now, without a frame before its end. */
    private static void assertFin(WireClient client) {
        var start = Stopwatch.start();
        assertThat(client.nextFrame()).isNull();
        start.assertLessThan(Duration.ofMillis(1500));
    }

    private static WireClient.Frame nextClose(WireClient client) {
        var frame = client.nextFrame();
        while (frame != null && frame.opcode() != Frames.CLOSE) frame = client.nextFrame();
        assertThat(frame).isNotNull();
        return frame;
    }

    private static int status(WireClient.Frame close) {
        return ByteBuffer.wrap(close.payload()).getShort() & 0xFFFF;
    }

    @ParameterizedTest
    @CsvSource({
        "a normal one, 03E8, 03E8",
        "with a text, 03E9627965, 03E9",
        "of a library, 0BB8, 0BB8",
        "of an application, 1387, 1387",
        "without a status, '', ''",
        "999, 03E7, 03EA",
        "0, 0000, 03EA",
        "1004, 03EC, 03EA",
        "1005, 03ED, 03EA",
        "1006, 03EE, 03EA",
        "1015, 03F7, 03EA",
        "2999, 0BB7, 03EA",
        "5000, 1388, 03EA",
        "half a status, 03, 03EA",
        "a text that is not UTF-8, 03E8FF, 03EF"
    })
    void aCloseFrameIsAnsweredAndTheStreamEnds(String what, String said, String answered) {
        try (var client = Device.online(V5, clientId)) {
            client.send(close(said));
            assertThat(HexFormat.of()
                            .withUpperCase()
                            .formatHex(nextClose(client).payload()))
                    .as(what)
                    .isEqualTo(answered);
            assertFin(client);
        }
    }

    static IntStream violations() {
        return IntStream.range(0, VIOLATIONS.length);
    }

    private static final byte[][] VIOLATIONS = {
        Frames.unmasked(Frames.BINARY, new byte[] {(byte) 0xC0, 0}),
        Frames.unmasked(Frames.PING, new byte[0]),
        Frames.unmasked(Frames.CLOSE, new byte[] {3, (byte) 0xE8}),
        Frames.masked(true, Frames.TEXT, new byte[] {'x'}),
        Frames.masked(true, Frames.CONTINUATION, new byte[1]),
        Frames.masked(true, 3, new byte[0]),
        Frames.masked(false, Frames.PING, new byte[0]),
        HexFormat.of().parseHex("C28000000000"),
        HexFormat.of().parseHex("82FE0001000000000000"),
        close("03E7")
    };

    /** The peer keeps its socket open, and goes on sending: nothing of that is waited for or looked at. */
    @ParameterizedTest
    @MethodSource("violations")
    void aViolationEndsTheSessionAndTheStreamAtOnce(int violation) {
        try (var watcher = Peer.online(V5).subscribe(QoS.AT_LEAST_ONCE, topic);
                var client = mortal()) {
            var start = Stopwatch.start();
            client.send(Frames.join(
                    VIOLATIONS[violation],
                    Frames.binary(client.bytes(Device.publish(QoS.AT_MOST_ONCE, 0, topic, "after")))));
            assertThat(watcher.text()).isEqualTo("gone");
            assertThat(status(nextClose(client))).isEqualTo(violation == 3 ? 1003 : 1002);
            assertFin(client);
            start.assertLessThan(Duration.ofSeconds(2));
            watcher.assertNothingMore();
        }
    }

    /** What comes behind the client's Close frame in the same read is not looked at, and nothing follows the answer. */
    @Test
    void nothingIsTakenOrSentBehindACloseFrame() {
        try (var watcher = Peer.online(V5).subscribe(QoS.AT_LEAST_ONCE, topic);
                var client = mortal()) {
            client.send(Frames.join(
                    close("03E8"),
                    Frames.binary(
                            client.bytes(Device.publish(QoS.AT_MOST_ONCE, 0, topic, "after"), new Packet.PingReq())),
                    Frames.masked(true, Frames.PING, new byte[0])));
            assertThat(status(nextClose(client))).isEqualTo(1000);
            assertFin(client);
            assertThat(watcher.text()).isEqualTo("gone");
            watcher.assertNothingMore();
        }
    }

    /** Packets before the violation are answered. */
    @Test
    void theAnswersBeforeAViolationLeave() {
        try (var client = Device.online(V5, clientId)) {
            client.send(Frames.join(
                    Frames.binary(client.bytes(new Packet.PingReq())), Frames.masked(true, Frames.TEXT, new byte[1])));
            client.receive(Packet.PingResp.class);
            assertThat(client.closeStatus()).isEqualTo(1003);
        }
    }

    @Test
    void onlyTheLatestPingOfAReadIsAnswered() {
        try (var client = Device.online(V5, clientId)) {
            var pings = IntStream.range(0, 100)
                    .mapToObj(i -> Frames.masked(true, Frames.PING, new byte[] {(byte) i}))
                    .toArray(byte[][]::new);
            client.send(Frames.join(pings));
            var pongs = 1;
            while (client.nextFrame().payload()[0] != 99) pongs++;
            assertThat(pongs).isLessThan(10);
        }
    }

    /** 12 MB of pings of a client that reads nothing leave next to nothing behind, and the latest one is answered. */
    @Test
    void pingsOfAClientThatDoesNotReadTakeNoRoom() {
        try (var client = Device.online(V5, clientId)) {
            var pings = new byte[10_000][];
            Arrays.fill(pings, Frames.masked(true, Frames.PING, new byte[0]));
            client.sendWhileOpen(Frames.join(pings), 200);
            client.send(Frames.masked(true, Frames.PING, new byte[] {1}));
            var pongs = 0;
            for (var frame = client.nextFrame(); ; frame = client.nextFrame()) {
                if (frame.opcode() != Frames.PONG) continue;
                pongs++;
                if (frame.payload().length == 1) break;
            }
            assertThat(pongs).isLessThan(200_000);
            client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        }
    }

    /** The answers count like everything that waits for a slow client: one for which messages wait is not read on behind its pings. */
    @Test
    void aClientThatReadsNoPongsIsNotRead() {
        var gateway = Gateway.shared();
        try (var client = Peer.online(V5).subscribe(QoS.AT_MOST_ONCE, topic)) {
            fill(topic);
            var before = gateway.metric("sluice_connection_pauses_total");
            var ping = Frames.masked(true, Frames.PING, new byte[125]);
            await().pollInterval(Duration.ofMillis(1)).until(() -> {
                for (int i = 0; i < 100; i++) {
                    client.wire().sendWhileOpen(ping, 1);
                    LockSupport.parkNanos(200_000);
                }
                return gateway.metric("sluice_connection_pauses_total") > before;
            });
        }
    }

    /** Publishes small messages until both kernels' buffers and the queue of a subscriber that does not read are full. */
    private static void fill(String topic) {
        var gateway = Gateway.shared();
        var dropped = gateway.metric("sluice_deliveries_dropped_total", "queue_full");
        try (var publisher = Peer.online(V5)) {
            var publishes = new Packet[100];
            Arrays.fill(publishes, Device.publish(QoS.AT_MOST_ONCE, 0, topic, new byte[1000], Properties.NONE));
            while (gateway.metric("sluice_deliveries_dropped_total", "queue_full") == dropped)
                publisher
                        .wire()
                        .sendPackets(publishes)
                        .sendPackets(new Packet.PingReq())
                        .receive(Packet.PingResp.class);
            publisher.leave();
        }
    }

    /** One that is taken over and does not answer has two seconds. */
    @Test
    void aCloseFrameIsWaitedForTwoSecondsAtMost() {
        try (var old = Device.online(V5, clientId)) {
            var start = Stopwatch.start();
            Device.online(V5, clientId).close();
            assertThat(old.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SESSION_TAKEN_OVER);
            assertThat(status(nextClose(old))).isEqualTo(1008);
            assertThat(old.nextFrame()).isNull();
            start.assertBetween(Duration.ofMillis(1000), Duration.ofMillis(3000));
        }
    }

    @Test
    void theCloseFrameOfATooLargePacketSaysSo() {
        for (var version : ProtocolVersion.values()) {
            try (var client = Device.online(version, clientId)) {
                client.send(Frames.binary(new byte[] {0x32, (byte) 0x80, (byte) 0x84, (byte) 0xAF, 0x5F}));
                if (version.isV5()) client.receive(Packet.Disconnect.class);
                assertThat(client.closeStatus()).isEqualTo(1009);
            }
        }
    }
}

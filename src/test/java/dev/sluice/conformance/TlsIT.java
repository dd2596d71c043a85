package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.CertificateAuthority;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import dev.sluice.support.Readers;
import dev.sluice.support.Records;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.Tls;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** MQTT over WebSocket over TLS, with files that change, and with clients that never finish what they begin. */
class TlsIT {
    private static final int HANDSHAKES = 12;
    private static final String REQUEST = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n";
    private static final CertificateAuthority AUTHORITY = CertificateAuthority.named("first authority");
    private static final CertificateAuthority NEXT = CertificateAuthority.named("next authority");
    /** The beginning of a handshake's first record, which promises 512 bytes. */
    private static final byte[] HALF_HELLO = {22, 3, 1, 2, 0, 1, 0, 1};

    @TempDir
    static Path folder;

    private static GatewayProcess gateway;
    private static int plainPort;
    private static int port;

    @BeforeAll
    static void start() {
        AUTHORITY.server().write(folder, "server");
        port = Ports.free();
        gateway = Gateway.shared()
                .startAnother(
                        used -> plainPort = used,
                        "-Dquarkus.http.ssl-port=" + port,
                        "-Dquarkus.tls.mqtt.key-store.pem.0.cert=" + folder.resolve("server.crt"),
                        "-Dquarkus.tls.mqtt.key-store.pem.0.key=" + folder.resolve("server.key"),
                        "-Dsluice.tls.reload-interval=1s",
                        "-Dsluice.mqtt.partial-head-bytes-in-all=65536",
                        "-Dsluice.mqtt.handshakes-maximum=" + HANDSHAKES,
                        "-Dsluice.mqtt.connect-timeout=4s",
                        "-Dsluice.mqtt.packet-timeout=3s",
                        "-Dsluice.tls.handshake-timeout=2s");
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    /** Nothing is counted that is gone. */
    @AfterEach
    void allIsAsBefore() {
        await().untilAsserted(() -> assertThat(Gateway.metric(plainPort, "sluice_sockets_handshakes"))
                .isZero());
    }

    private static Tls trusting(CertificateAuthority authority, String... versions) {
        return Tls.trusting(authority.certificate(), versions);
    }

    private static WireClient online(Tls tls, String clientId) {
        var client = WireClient.open(port, ProtocolVersion.V5, tls);
        Device.connected(client, Device.connect(ProtocolVersion.V5, clientId, true, Properties.NONE));
        return client;
    }

    private static double refused(String reason) {
        return Gateway.metric(plainPort, "sluice_sockets_refused_total", "reason=\"" + reason + "\"");
    }

    private static void assertAnswers(WireClient client) {
        client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void packetsGoBothWays(String version) {
        var clientId = Device.id("tls");
        try (var client = online(trusting(AUTHORITY, version), clientId)) {
            assertThat(((SSLSocket) client.socket()).getSession().getProtocol()).isEqualTo(version);
            var large = "x".repeat(30_000);
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "fleet/a/telemetry", "small"))
                    .sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 2, "fleet/a/telemetry", large));
            assertThat(client.receive(Packet.PubAck.class)).isEqualTo(new Packet.PubAck(1));
            assertThat(client.receive(Packet.PubAck.class)).isEqualTo(new Packet.PubAck(2));
            assertThat(Records.of(Gateway.shared(), "wire.telemetry", clientId))
                    .extracting(Records.Record::text)
                    .containsExactly("small", large);
            client.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE));
            assertThat(client.closeStatus()).isEqualTo(1000);
            assertThat(client.nextFrame()).as("what follows the Close frame").isNull();
        }
    }

    /** Nobody who still sends loses the Close frame: the gateway reads on for a moment, as without TLS. */
    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aViolationIsAnsweredWhileTheClientStillSends(String version) {
        try (var client = online(trusting(AUTHORITY, version), Device.id("violation"))) {
            client.send(Frames.unmasked(Frames.BINARY, new byte[1]));
            client.sendWhileOpen(Frames.binary(new byte[10_000]), 200);
            assertThat(client.closeStatus()).isEqualTo(1002);
        }
    }

    @Test
    void aNewCertificateIsUsedWhileClientsStay() {
        var before = AUTHORITY.server().write(folder, "server").certificate();
        await().until(() -> shown(AUTHORITY).equals(before));
        try (var client = online(trusting(AUTHORITY), Device.id("stays"))) {
            var after = NEXT.server().write(folder, "server").certificate();
            await().ignoreExceptions().until(() -> shown(NEXT).equals(after));
            assertAnswers(client);
            try (var second = online(trusting(NEXT), Device.id("comes"))) {
                assertAnswers(second);
            }
            assertAnswers(client);
        } finally {
            AUTHORITY.server().write(folder, "server");
            await().ignoreExceptions().until(() -> shown(AUTHORITY) != null);
        }
    }

    /** The certificate that the gateway shows to a client that trusts an authority. */
    private static X509Certificate shown(CertificateAuthority authority) throws IOException {
        return trusting(authority).serverCertificate(port);
    }

    /** Half of a change is none. */
    @Test
    void filesThatDoNotFitAreNotUsed() throws IOException {
        var before = AUTHORITY.server().write(folder, "server").certificate();
        await().until(() -> shown(AUTHORITY).equals(before));
        var another = CertificateAuthority.pemOf(AUTHORITY.server().certificate());
        try {
            for (var text : List.of("nothing", "", another)) {
                var failures = Gateway.metric(plainPort, "sluice_tls_reload_failures_total");
                CertificateAuthority.replace(folder.resolve("server.crt"), text);
                await().until(() -> Gateway.metric(plainPort, "sluice_tls_reload_failures_total") > failures + 1);
                assertThat(shown(AUTHORITY)).isEqualTo(before);
            }
        } finally {
            AUTHORITY.server().write(folder, "server");
        }
    }

    /** The clock of a handshake is not that of CONNECT, and no byte winds it up. */
    @Test
    void aHandshakeThatDoesNotEndIsCutOff() {
        var before = refused("handshake-timeout");
        var watch = Stopwatch.start();
        try (var silent = new RawHttp(port);
                var half = new RawHttp(port)) {
            half.send(HALF_HELLO).untilClosed();
            watch.assertBetween(Duration.ofSeconds(1), Duration.ofMillis(3900));
            silent.untilClosed().assertLessThan(Duration.ofSeconds(2));
        }
        assertThat(refused("handshake-timeout")).isEqualTo(before + 2);
    }

    /** Whoever has a WebSocket is in nobody's way, and those that have none leave room again. */
    @Test
    void socketsWithoutAWebSocketAreBounded() {
        var sockets = new ArrayList<RawHttp>();
        var before = refused("handshakes-maximum");
        try (var client = online(trusting(AUTHORITY), Device.id("inside"))) {
            for (int i = 0; i < HANDSHAKES + 5; i++) sockets.add(new RawHttp(port));
            await().until(() -> refused("handshakes-maximum") == before + 5);
            assertAnswers(client);
            sockets.forEach(RawHttp::close);
            allIsAsBefore();
            try (var next = online(trusting(AUTHORITY), Device.id("next"))) {
                assertAnswers(next);
            }
        } finally {
            sockets.forEach(RawHttp::close);
        }
    }

    @Test
    void aHeadThatDoesNotEndIsRefused() {
        for (var tls : new Tls[] {null, trusting(AUTHORITY)}) {
            var before = refused("header-size");
            try (var socket = new RawHttp(tls == null ? plainPort : port, "127.0.0.1", tls)) {
                socket.send("GET /mqtt HTTP/1.1\r\n");
                var sent = socket.flood("X-Flood: 0123456789012345678901234567890\r\n".getBytes(), 100_000_000);
                assertThat(sent).as("bytes that the gateway took").isLessThan(50_000_000);
            }
            assertThat(refused("header-size")).isEqualTo(before + 1);
        }
    }

    private static RawHttp socket(boolean isTls) {
        return isTls ? new RawHttp(port, "127.0.0.1", trusting(AUTHORITY)) : new RawHttp(plainPort);
    }

    private static String head(int lines) {
        return "GET /nothing HTTP/1.1\r\nHost: localhost\r\n" + "a:b\r\n".repeat(lines - 1);
    }

    /** Each line weighs many times its bytes. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aHeadHasAHundredLinesAtMost(boolean isTls) {
        var before = refused("header-size");
        try (var socket = socket(isTls)) {
            for (int i = 0; i < 2; i++)
                assertThat(socket.send(head(100) + "\r\n").status()).isEqualTo(404);
            assertThat(socket.send(head(101)).status()).isEqualTo(431);
            socket.untilClosed().assertLessThan(Duration.ofSeconds(2));
        }
        assertThat(refused("header-size")).isEqualTo(before + 1);
    }

    /** The one that began first has to go, and the others may go on. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theHeadsOfAllSocketsTogetherAreBounded(boolean isTls) {
        var before = refused("partial-head-bytes-in-all");
        var sockets = new ArrayList<RawHttp>();
        try {
            for (int i = 0; i < 8; i++) {
                sockets.add(socket(isTls));
                sockets.getLast().send(head(90));
            }
            assertThat(sockets.getLast().send("\r\n").status()).isEqualTo(404);
            await().until(() -> refused("partial-head-bytes-in-all") > before);
            assertThat(Gateway.metric(plainPort, "sluice_partial_head_bytes")).isLessThanOrEqualTo(65_536);
        } finally {
            sockets.forEach(RawHttp::close);
        }
        await().untilAsserted(() -> assertThat(Gateway.metric(plainPort, "sluice_partial_head_bytes"))
                .isZero());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void requestsThatComeTogetherAreAnsweredInTurn(boolean isTls) {
        try (var socket = socket(isTls)) {
            for (int i = 0; i < 5; i++) {
                socket.send((REQUEST + "GET /admin/routes HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(4));
                for (int k = 0; k < 4; k++) {
                    assertThat(socket.status()).isEqualTo(404);
                    assertThat(socket.status()).isEqualTo(200);
                }
            }
        }
    }

    /** Whether they are answered at once, or one after the other on other threads. */
    @ParameterizedTest
    @ValueSource(strings = {"", "Authorization: Bearer x\r\n"})
    void whoSendsRequestsAndReadsNoAnswerIsCutOff(String header) {
        var path = header.isEmpty() ? "/nothing" : "/admin/routes";
        var requests = ("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n").repeat(100);
        try (var client = online(trusting(AUTHORITY), Device.id("beside"))) {
            for (var isTls : new boolean[] {false, true}) {
                var before = refused("pipelined-requests");
                try (var socket = socket(isTls)) {
                    assertThat(socket.flood(requests.getBytes(), 100_000_000)).isLessThan(50_000_000);
                }
                assertThat(refused("pipelined-requests")).isEqualTo(before + 1);
                assertAnswers(client);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {100, 8300})
    void theRequestLineIsBounded(int length) {
        try (var socket = new RawHttp(port, "127.0.0.1", trusting(AUTHORITY))) {
            socket.send(RawHttp.upgrade("GET /mqtt?token=" + "t".repeat(length) + " HTTP/1.1"));
            assertThat(socket.status()).isEqualTo(length < 8192 ? 101 : 414);
        }
    }

    /** Its bytes are held where no packet can be seen, so that no clock of MQTT ends it. */
    @Test
    void aRecordThatDoesNotEndIsNotWaitedFor() throws IOException {
        var before = refused("record-timeout");
        try (var plain = new Socket(InetAddress.getLoopbackAddress(), port);
                var socket = trusting(AUTHORITY).over(plain)) {
            socket.setSoTimeout(15_000);
            socket.getOutputStream().write(RawHttp.upgrade("GET /mqtt HTTP/1.1").getBytes());
            var connect = Device.connect(ProtocolVersion.V5, Device.id("record"), true, Properties.NONE);
            socket.getOutputStream().write(Frames.binary(Readers.write(ProtocolVersion.V5, connect)));
            var answer = new byte[1000];
            while (socket.getInputStream().read(answer) > 0 && answer[0] == 'H') {
                // the head of the answer to the upgrade; CONNACK follows
            }
            var start = Stopwatch.start();
            plain.getOutputStream().write(new byte[] {23, 3, 3, 0x20, 0, 1, 2, 3});
            while (readQuietly(socket) >= 0) start.assertLessThan(Duration.ofSeconds(10));
            assertThat(start.elapsed()).isGreaterThan(Duration.ofSeconds(2));
        }
        assertThat(refused("record-timeout")).isEqualTo(before + 1);
    }

    private static int readQuietly(Socket socket) {
        try {
            return socket.getInputStream().read();
        } catch (IOException _) {
            return -1;
        }
    }

    /** The end of TLS is the end of the stream, though TCP stays open. */
    @Test
    void whoEndsTlsHasLeft() throws IOException {
        try (var client = online(trusting(AUTHORITY, "TLSv1.3"), Device.id("leaves"))) {
            ((SSLSocket) client.socket()).shutdownOutput();
            var start = Stopwatch.start();
            assertThat(client.nextFrame()).isNull();
            start.assertLessThan(Duration.ofSeconds(2));
        }
    }

    /** It would cost the gateway as much as the first time, and the client as little as it likes. */
    @Test
    void nobodyBeginsTlsAnew() throws IOException {
        try (var client = online(trusting(AUTHORITY, "TLSv1.2"), Device.id("anew"))) {
            ((SSLSocket) client.socket()).startHandshake();
            var start = Stopwatch.start();
            assertThat(client.nextFrame()).isNull();
            start.assertLessThan(Duration.ofSeconds(2));
        }
    }

    @Test
    void aFailedHandshakeIsCounted() {
        var before = refused("handshake-failed");
        assertThatThrownBy(() -> shown(NEXT)).isInstanceOf(SSLException.class);
        await().until(() -> refused("handshake-failed") == before + 1);
    }

    /** TLS on the port of those who speak none, and the other way round. */
    @Test
    void theOtherProtocolIsNotTaken() {
        try (var socket = new RawHttp(port)) {
            socket.send(RawHttp.upgrade("GET /mqtt HTTP/1.1"));
            socket.untilClosed().assertLessThan(Duration.ofSeconds(2));
        }
        for (var start : List.of(HALF_HELLO, new byte[] {22, 3, 3, 0, 2, 1, 0}))
            try (var socket = new RawHttp(plainPort)) {
                socket.send(start);
                socket.untilClosed().assertLessThan(Duration.ofSeconds(6));
            }
    }
}

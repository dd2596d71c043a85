package dev.sluice.conformance;

import static dev.sluice.conformance.BoundsIT.port;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.CertificateAuthority;
import dev.sluice.dev.Ports;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.Tls;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A gateway whose proxies, those of 127.0.0.8/30, begin each connection with a header of the PROXY protocol; it takes few sockets from each address. */
abstract class ProxyProtocolCases {
    private static final String PROXY = "127.0.0.9";
    private static final String STRANGER = "127.0.0.2";
    private static final String UPGRADE = RawHttp.upgrade("GET /mqtt HTTP/1.1");
    private static final byte[] SIGNATURE = {13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10};
    private static final CertificateAuthority AUTHORITY = CertificateAuthority.named("authority");
    private static final int PER_ADDRESS = 5;
    private static final int TLS_PORT = Ports.free();

    private final List<RawHttp> sockets = new ArrayList<>();

    /** Options of the gateway; its certificate is written into the folder. */
    static List<String> options(Path folder) {
        AUTHORITY.server().write(folder, "server");
        return List.of(
                "-Dquarkus.http.ssl-port=" + TLS_PORT,
                "-Dquarkus.tls.mqtt.key-store.pem.0.cert=" + folder.resolve("server.crt"),
                "-Dquarkus.tls.mqtt.key-store.pem.0.key=" + folder.resolve("server.key"),
                "-Dsluice.mqtt.connections-per-address-maximum=" + PER_ADDRESS,
                "-Dsluice.proxy.trusted=127.0.0.8/30",
                "-Dsluice.mqtt.connect-timeout=20s",
                "-Dsluice.proxy.protocol=true",
                "-Dsluice.tls.handshake-timeout=1s");
    }

    @AfterEach
    void close() {
        sockets.forEach(RawHttp::close);
    }

    private RawHttp socket(String from) {
        var socket = new RawHttp(port, from);
        sockets.add(socket);
        return socket;
    }

    private int status(String from, byte[] header) {
        return status(from, header, UPGRADE);
    }

    /** 0 if the gateway closes instead. */
    private int status(String from, byte[] header, String request) {
        var socket = socket(from);
        var both = Frames.join(header, request.getBytes(StandardCharsets.US_ASCII));
        return socket.flood(both, 1) > 0 ? socket.status() : 0;
    }

    private static byte[] version1(String client) {
        return ("PROXY " + (client.contains(":") ? "TCP6 " + client + " ::1" : "TCP4 " + client + " 127.0.0.1")
                        + " 4711 1883\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** Of version 2, PROXY, TCP over IPv4. */
    static byte[] version2(String client, byte... tlvs) {
        return version2(0x21, 0x11, client, tlvs);
    }

    private static byte[] version2(int command, int family, String client, byte... tlvs) {
        var address = java.net.InetAddress.ofLiteral(client).getAddress();
        return ByteBuffer.allocate(28 + tlvs.length)
                .put(SIGNATURE)
                .put((byte) command)
                .put((byte) family)
                .putShort((short) (12 + tlvs.length))
                .put(address)
                .put(new byte[] {127, 0, 0, 1})
                .putShort((short) 4711)
                .putShort((short) 1883)
                .put(tlvs)
                .array();
    }

    private static double refused() {
        return Gateway.metric(port, "sluice_proxy_refused_total", "what=\"protocol\"");
    }

    private static double ignored() {
        return Gateway.metric(port, "sluice_proxy_ignored_total", "header=\"PROXY\"");
    }

    @Test
    void theClientOfTheHeaderCounts() {
        for (int i = 0; i <= PER_ADDRESS; i++)
            assertThat(status(PROXY, version1("203.0.113.7"))).isEqualTo(i < PER_ADDRESS ? 101 : 0);
        for (int i = 0; i <= PER_ADDRESS; i++)
            assertThat(status(PROXY, version2("203.0.113.8"))).isEqualTo(i < PER_ADDRESS ? 101 : 0);
        assertThat(status(PROXY, version1("2001:db8::7"))).isEqualTo(101);
    }

    /** A header in single bytes is one, too. */
    @Test
    void theHeaderMayComeInPieces() {
        var socket = socket(PROXY);
        for (var next : version2("203.0.113.9")) socket.send(new byte[] {next});
        assertThat(socket.send(UPGRADE).status()).isEqualTo(101);
    }

    /** A proxy that asks for the gateway's health speaks for itself. */
    @Test
    void aProxyMaySpeakForItself() {
        assertThat(status(PROXY, version2(0x20, 0x00, "0.0.0.0"))).isEqualTo(101);
        assertThat(status(PROXY, "PROXY UNKNOWN\r\n".getBytes(StandardCharsets.US_ASCII)))
                .isEqualTo(101);
    }

    @Test
    void whatIsNoHeaderIsRefused() {
        var before = refused();
        assertThat(status(PROXY, new byte[0])).as("none").isZero();
        assertThat(status(PROXY, "PROXY TCP4 nobody 127.0.0.1 1 2\r\n".getBytes(StandardCharsets.US_ASCII)))
                .isZero();
        assertThat(status(PROXY, version2(0x31, 0x11, "203.0.113.10")))
                .as("version 3")
                .isZero();
        assertThat(status(PROXY, ("PROXY TCP4 " + "1".repeat(200)).getBytes(StandardCharsets.US_ASCII)))
                .isZero();
        assertThat(status(PROXY, version2("203.0.113.10", new byte[20_000])))
                .as("too long")
                .isZero();
        assertThat(refused()).isEqualTo(before + 5);
    }

    @Test
    void aHeaderThatDoesNotEndIsNotWaitedFor() {
        for (var half : List.of(new byte[0], SIGNATURE, "PROXY TCP4 203".getBytes(StandardCharsets.US_ASCII))) {
            var watch = Stopwatch.start();
            socket(PROXY).send(half).untilClosed();
            watch.assertBetween(Duration.ofMillis(500), Duration.ofSeconds(3));
        }
    }

    /** Whoever comes by itself needs no header, and whoever has one all the same is not taken for its client. */
    @Test
    void othersSpeakForThemselves() {
        assertThat(status(STRANGER, new byte[0])).isEqualTo(101);
        var before = ignored();
        assertThat(status(STRANGER, version1("203.0.113.11"))).isZero();
        assertThat(status(STRANGER, version2("203.0.113.11"))).isZero();
        assertThat(ignored()).isEqualTo(before + 2);
    }

    /** The proxy passes on bytes: headers are its client's, who is not believed. */
    @Test
    void headersAreTheClients() {
        for (int i = 0; i <= PER_ADDRESS; i++) {
            var request = RawHttp.upgrade("GET /mqtt HTTP/1.1", "X-Forwarded-For: 198.51.100." + i);
            assertThat(status(PROXY, version1("203.0.113.12"), request)).isEqualTo(i < PER_ADDRESS ? 101 : 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void tlsFollowsTheHeader(String version) {
        var client = "203.0.113." + (version.endsWith("2") ? 22 : 23);
        for (int i = 0; i <= PER_ADDRESS; i++) {
            var socket = new RawHttp(TLS_PORT, PROXY, version2(client), tls(version));
            sockets.add(socket);
            assertThat(
                            i < PER_ADDRESS
                                    ? socket.send(UPGRADE).status()
                                    : socket.flood(UPGRADE.getBytes(), 1) > 0 ? socket.status() : 0)
                    .isEqualTo(i < PER_ADDRESS ? 101 : 0);
        }
    }

    private static Tls tls(String version) {
        return Tls.trusting(AUTHORITY.certificate(), version);
    }

    /** What comes through a proxy is not of this machine, even if the proxy is and says so. */
    @Test
    void adminIsNotOpenedByAProxyOfThisMachine() {
        for (var client : List.of("203.0.113.13", "127.0.0.1"))
            for (var more : List.of("", "Sec-WebSocket-Key: x\r\n"))
                assertThat(socket(PROXY)
                                .send(version1(client))
                                .send("GET /admin/routes HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n")
                                .status())
                        .isEqualTo(403);
        assertThat(socket(STRANGER)
                        .send("GET /admin/routes HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        .status())
                .isEqualTo(200);
    }

    static byte[] tlv(int type, byte[] value) {
        return ByteBuffer.allocate(3 + value.length)
                .put((byte) type)
                .putShort((short) value.length)
                .put(value)
                .array();
    }

    /** That the proxy has verified a certificate: of version 2, with TLS and a certificate of this connection. */
    static byte[] certified(X509Certificate certificate, int verify) {
        try {
            var inner = new ByteArrayOutputStream();
            inner.write(7);
            inner.writeBytes(ByteBuffer.allocate(4).putInt(verify).array());
            inner.writeBytes(tlv(0x28, certificate.getEncoded()));
            return tlv(0x20, inner.toByteArray());
        } catch (java.security.cert.CertificateEncodingException e) {
            throw new IllegalStateException(e);
        }
    }
}

package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import dev.sluice.support.Spec;
import dev.sluice.support.Stopwatch;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is an opening handshake (RFC 6455, section 4.2.1), what is none, and that the latter leaves nothing behind. */
class HandshakeIT {
    private static final String GET = "GET /mqtt HTTP/1.1";
    private static final String PLAIN_GET = "GET /admin/routes HTTP/1.1\r\nHost: localhost\r\n\r\n";

    private static RawHttp socket() {
        return new RawHttp(Gateway.shared().port());
    }

    private static String answer(String requestLine, String... headers) {
        try (var socket = socket()) {
            return socket.send(RawHttp.upgrade(requestLine, headers)).head();
        }
    }

    private static int status(String requestLine, String... headers) {
        return Integer.parseInt(answer(requestLine, headers).split(" ")[1]);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Connection: keep-alive | Connection: Upgrade",
                "Connection: Upgrade | Connection: keep-alive",
                "Connection: keep-alive, UPGRADE | Connection: close",
                "Upgrade: irc | Upgrade: WebSocket",
                "Content-Length: 0 | X-None: 1"
            })
    void theNumberOfLinesDoesNotMatter(String one, String other) {
        assertThat(status(GET, one, other)).isEqualTo(101);
    }

    @Spec(value = "MQTT-6.0.0-4", v311 = "MQTT-6.0.0-4")
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "chat | mqtt | mqtt",
                "mqtt | chat | mqtt",
                "mqttv3.1 | mqtt | mqtt",
                "mqttv3.1, mqtt | soap | mqtt",
                "chat | soap, mqttv3.1 | mqttv3.1"
            })
    void mqttIsTheSubProtocolWhereItIsOffered(String one, String other, String chosen) {
        var answer = answer(GET, "Sec-WebSocket-Protocol: " + one, "Sec-WebSocket-Protocol: " + other)
                .toLowerCase();
        assertThat(answer).startsWith("http/1.1 101");
        assertThat(answer.lines().filter(line -> line.startsWith("sec-websocket-protocol:")))
                .containsExactly("sec-websocket-protocol: " + chosen);
    }

    @ParameterizedTest
    @CsvSource({
        "POST /mqtt HTTP/1.1, X-None: 1, 405",
        "PUT /mqtt HTTP/1.1, X-None: 1, 405",
        "DELETE /mqtt HTTP/1.1, X-None: 1, 405",
        "OPTIONS /mqtt HTTP/1.1, X-None: 1, 405",
        "GET /mqtt HTTP/1.1, Connection: keep-alive, 400",
        "GET /mqtt HTTP/1.1, Upgrade: h2c, 400",
        "GET /mqtt HTTP/1.1, Sec-WebSocket-Key:, 400",
        "GET /mqtt HTTP/1.1, Sec-WebSocket-Key: short, 400",
        "GET /mqtt HTTP/1.1, Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA, 400",
        "GET /mqtt HTTP/1.1, Sec-WebSocket-Version: 12, 426",
        "GET /mqtt?a=^ HTTP/1.1, X-None: 1, 400",
        "GET /mqtt HTTP/1.1, Sec-WebSocket-Protocol: chat, 400"
    })
    void whatIsRefusedLeavesTheSocketToTheNextRequest(String requestLine, String header, int status) {
        try (var socket = socket()) {
            assertThat(socket.send(RawHttp.upgrade(requestLine, header)).status())
                    .isEqualTo(status);
            assertThat(socket.send(PLAIN_GET).status()).isEqualTo(200);
            assertThat(socket.send(RawHttp.upgrade(GET)).status()).isEqualTo(101);
        }
    }

    @Test
    void twoKeysAreRefused() {
        assertThat(status(
                        GET,
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
                .isEqualTo(400);
    }

    @Test
    void http10IsRefused() {
        assertThat(status("GET /mqtt HTTP/1.0")).isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource({
        "GET, Content-Length: 1",
        "GET, Content-Length: 9000000",
        "GET, Transfer-Encoding: chunked",
        "POST, Content-Length: 9000000",
        "POST, Transfer-Encoding: chunked"
    })
    void aRequestWithABodyIsRefusedAndNotRead(String method, String header) {
        try (var socket = socket()) {
            socket.send(RawHttp.upgrade(method + " /mqtt HTTP/1.1", header));
            assertThat(socket.status()).isBetween(400, 405);
            assertThat(socket.flood(new byte[8192], 100_000_000)).isLessThan(50_000_000);
            socket.untilClosed().assertLessThan(Duration.ofSeconds(2));
        }
    }

    /** Origin: only browsers send it; Host is localhost. */
    @ParameterizedTest
    @CsvSource({
        "http://localhost:3000, 101",
        "https://localhost, 101",
        "https://evil.example, 403",
        "https://localhost.evil.example, 403",
        "null, 403"
    })
    void pagesOfOtherHostsAreRefused(String origin, int status) {
        assertThat(status(GET, "Origin: " + origin)).isEqualTo(status);
    }

    /** As a page's own name is that leads to this machine, once the browser asks for it again: the gateway that listens here is not meant. */
    @Test
    void aNameThatLeadsToThisMachineIsNotItsOwn() {
        assertThat(status(GET, "Host: evil.example", "Origin: http://evil.example"))
                .isEqualTo(403);
        assertThat(status(GET, "Host: evil.example")).isEqualTo(101);
    }

    @Test
    void aSecondOriginIsLookedAt() {
        var before = Gateway.shared().metric("sluice_sockets_refused_total", "origin");
        assertThat(status(GET, "Origin: http://localhost", "Origin: https://evil.example"))
                .isEqualTo(403);
        assertThat(Gateway.shared().metric("sluice_sockets_refused_total", "origin"))
                .isEqualTo(before + 1);
    }

    /** The time to CONNECT, 2 s here, begins when the socket is accepted. */
    @ParameterizedTest
    @ValueSource(strings = {"", "GET /mqtt HTTP/1.1\r\nHost: loc", "PRI * HTTP/2.0\r\n", "\u0016\u0003\u0001"})
    void aSocketWithoutAWholeRequestIsClosed(String said) {
        var before = Gateway.shared().metric("sluice_sockets_refused_total", "connect-timeout");
        var watch = Stopwatch.start();
        try (var socket = socket()) {
            socket.send(said).untilClosed();
            watch.assertBetween(Duration.ofMillis(1500), Duration.ofSeconds(4));
        }
        assertThat(Gateway.shared().metric("sluice_sockets_refused_total", "connect-timeout"))
                .isGreaterThan(before);
    }

    /** A byte now and then does not move the end. */
    @Test
    void aRequestThatComesByteByByteIsClosed() {
        try (var socket = socket()) {
            var start = Stopwatch.start();
            var request = RawHttp.upgrade(GET, "X-Long: " + "x".repeat(4000));
            var sent = 0;
            for (; sent < request.length() && drips(socket, request.charAt(sent)); sent++) {}
            assertThat(sent).isLessThan(request.length());
            start.assertLessThan(Duration.ofSeconds(5));
        }
    }

    private static boolean drips(RawHttp socket, char next) {
        java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
        return socket.flood(new byte[] {(byte) next}, 1) == 1;
    }

    /** Time that other requests took is not counted. */
    @Test
    void theClockBeginsAnewBehindAnAnswer() {
        try (var socket = socket()) {
            var watch = Stopwatch.start();
            assertThat(socket.send(PLAIN_GET).status()).isEqualTo(200);
            socket.untilClosed();
            watch.assertBetween(Duration.ofMillis(1500), Duration.ofSeconds(4));
        }
    }
}

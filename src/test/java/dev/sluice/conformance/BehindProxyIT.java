package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A gateway that takes two sockets from each address, and believes the proxies of 127.0.0.8/30 what their clients' addresses are. */
class BehindProxyIT {
    private static final String PROXY = "127.0.0.9";
    private static final String STRANGER = "127.0.0.2";
    private static final String UPGRADE = "GET /mqtt HTTP/1.1";

    private static GatewayProcess gateway;
    private static int port;
    private static Path log;

    private final List<RawHttp> sockets = new ArrayList<>();

    @BeforeAll
    static void start() {
        var settings = Gateway.shared()
                .settingsOfAnother(
                        "-Dsluice.mqtt.connections-per-address-maximum=2",
                        "-Dsluice.mqtt.connect-timeout=20s",
                        "-Dsluice.proxy.trusted=127.0.0.8/30,10.0.0.0/8",
                        "-Dsluice.proxy.forwarded=x-forwarded-for",
                        "-Dquarkus.log.category.\"dev.sluice\".level=DEBUG");
        port = settings.port();
        log = settings.data().resolve("gateway.log");
        gateway = GatewayProcess.start(settings);
        gateway.awaitReady();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    @AfterEach
    void close() {
        sockets.forEach(RawHttp::close);
        await().until(() -> Gateway.metric(port, "sluice_sockets") == 0);
    }

    private List<Integer> statuses(String from, int count, String... headers) {
        return Stream.generate(() -> status(from, headers)).limit(count).toList();
    }

    private int status(String from, String... headers) {
        var socket = new RawHttp(port, from);
        sockets.add(socket);
        return socket.flood(RawHttp.upgrade(UPGRADE, headers).getBytes(), 1) > 0 ? socket.status() : 0;
    }

    private static double ignored(String header) {
        return Gateway.metric(port, "sluice_proxy_ignored_total", "header=\"" + header + "\"");
    }

    /** The proxy itself may have as many as it likes. */
    @Test
    void theClientsOwnAddressCounts() {
        for (var address : List.of("203.0.113.7", "203.0.113.8", "2001:db8::1"))
            assertThat(statuses(PROXY, 3, "X-Forwarded-For: " + address))
                    .as(address)
                    .containsExactly(101, 101, 429);
        assertThat(statuses(PROXY, 3, "X-Forwarded-For: 2001:db8::2")).containsExactly(429, 429, 429);
        assertThat(statuses(PROXY, 3)).containsExactly(101, 101, 101);
    }

    /** What stands in front of the rightmost one that is not trusted is the client's own word. */
    @Test
    void aClientCannotForgeWhatItsProxyAdds() {
        for (int i = 0; i < 3; i++)
            assertThat(status(PROXY, "X-Forwarded-For: 198.51.100." + i + ", 203.0.113.9"))
                    .isEqualTo(i < 2 ? 101 : 429);
        assertThat(status(PROXY, "X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.9, 10.1.1.1"))
                .isEqualTo(429);
        assertThat(status(PROXY, "X-Forwarded-For: 203.0.113.10, 127.0.0.10, 10.1.1.1"))
                .isEqualTo(101);
    }

    @Test
    void nobodyElseIsBelieved() {
        var before = ignored("X-Forwarded-For");
        assertThat(statuses(STRANGER, 2, "X-Forwarded-For: 203.0.113.20")).containsExactly(101, 101);
        // The third one is closed before it has said anything.
        assertThat(status(STRANGER, "X-Forwarded-For: 203.0.113.21")).isZero();
        assertThat(ignored("X-Forwarded-For")).isEqualTo(before + 2);
        // Only the header that is configured is believed of the proxy, too.
        assertThat(statuses(PROXY, 3, "Forwarded: for=203.0.113.22")).containsExactly(101, 101, 101);
    }

    /** The bytes after the upgrade are no MQTT, which the log tells of whoever has sent them. */
    @ParameterizedTest
    @ValueSource(strings = {"203.0.113.31", "2001:db8::31"})
    void theLogNamesTheClient(String address) throws Exception {
        var socket = new RawHttp(port, PROXY);
        sockets.add(socket);
        socket.send(RawHttp.upgrade(UPGRADE, "X-Forwarded-For: " + address));
        assertThat(socket.status()).isEqualTo(101);
        socket.send(new byte[] {(byte) 0xFF, 0});
        var text = (address.contains("::") ? address.replace("::", ":0:0:0:0:0:") : address) + " via " + PROXY + ":";
        await().until(() -> Files.readString(log).contains(text));
    }

    @Test
    void whatBelievesEverybodyIsAMistake() {
        var settings = Gateway.shared().settingsOfAnother("-Dquarkus.http.proxy.proxy-address-forwarding=true");
        try (var wrong = GatewayProcess.start(settings)) {
            assertThatThrownBy(wrong::awaitReady).hasMessageContaining("ended while it was starting");
            assertThat(settings.data().resolve("gateway.log")).content().contains("sluice.proxy.trusted");
        }
    }
}

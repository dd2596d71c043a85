package dev.sluice.conformance;

import static dev.sluice.conformance.SocketLimitsIT.PER_ADDRESS;
import static dev.sluice.conformance.SocketLimitsIT.log;
import static dev.sluice.conformance.SocketLimitsIT.port;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bound on the sockets from one address, where the proxies of 127.0.0.8/30 are believed what their clients' addresses are. */
abstract class BehindProxyCases {
    private static final String PROXY = "127.0.0.9";
    private static final String STRANGER = "127.0.0.2";
    private static final String UPGRADE = "GET /mqtt HTTP/1.1";

    private final List<RawHttp> sockets = new ArrayList<>();

    @AfterEach
    void close() {
        sockets.forEach(RawHttp::close);
        await().until(() -> Gateway.metric(port, "sluice_sockets") == 0);
    }

    private List<Integer> statuses(String from, int count, String... headers) {
        return Stream.generate(() -> status(from, headers)).limit(count).toList();
    }

    /** As many as one address may have, and what the next one gets. */
    private static List<Integer> full(int next) {
        return IntStream.rangeClosed(0, PER_ADDRESS)
                .mapToObj(i -> i < PER_ADDRESS ? 101 : next)
                .toList();
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
            assertThat(statuses(PROXY, PER_ADDRESS + 1, "X-Forwarded-For: " + address))
                    .as(address)
                    .isEqualTo(full(429));
        assertThat(statuses(PROXY, 3, "X-Forwarded-For: 2001:db8::2")).containsExactly(429, 429, 429);
        assertThat(statuses(PROXY, PER_ADDRESS + 1)).isEqualTo(full(101));
    }

    /** What stands in front of the rightmost one that is not trusted is the client's own word. */
    @Test
    void aClientCannotForgeWhatItsProxyAdds() {
        for (int i = 0; i <= PER_ADDRESS; i++)
            assertThat(status(PROXY, "X-Forwarded-For: 198.51.100." + i + ", 203.0.113.9"))
                    .isEqualTo(i < PER_ADDRESS ? 101 : 429);
        assertThat(status(PROXY, "X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.9, 10.1.1.1"))
                .isEqualTo(429);
        assertThat(status(PROXY, "X-Forwarded-For: 203.0.113.10, 127.0.0.10, 10.1.1.1"))
                .isEqualTo(101);
    }

    @Test
    void nobodyElseIsBelieved() {
        var before = ignored("X-Forwarded-For");
        assertThat(statuses(STRANGER, PER_ADDRESS, "X-Forwarded-For: 203.0.113.20"))
                .containsOnly(101);
        // The next one is closed before it has said anything.
        assertThat(status(STRANGER, "X-Forwarded-For: 203.0.113.21")).isZero();
        assertThat(ignored("X-Forwarded-For")).isEqualTo(before + PER_ADDRESS);
        // Only the header that is configured is believed of the proxy, too.
        assertThat(statuses(PROXY, PER_ADDRESS + 1, "Forwarded: for=203.0.113.22"))
                .isEqualTo(full(101));
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
}

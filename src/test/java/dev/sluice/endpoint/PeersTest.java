package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.Peer;
import dev.sluice.config.AccessConfig;
import dev.sluice.config.ProxyConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is kept of an upgrade, with the requests of a real server. */
class PeersTest {
    private final Vertx vertx = Vertx.vertx();
    private final BlockingQueue<Peer> peers = new LinkedBlockingQueue<>();
    private volatile Peers maker;
    private HttpServer server;

    @BeforeEach
    void start() throws Exception {
        server = vertx.createHttpServer()
                .requestHandler(request -> {
                    peers.add(maker.of(request));
                    request.response().end();
                })
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(60, TimeUnit.SECONDS);
    }

    @AfterEach
    void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private Peer peer(Map<String, String> config, String path, String... headers) throws Exception {
        var builder = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(AccessConfig.class)
                .withMapping(ProxyConfig.class);
        config.forEach((key, value) -> builder.withDefaultValue("sluice.access." + key, value));
        var built = builder.build();
        var proxies = new Proxies(built.getConfigMapping(ProxyConfig.class), new SimpleMeterRegistry());
        maker = new Peers(proxies, null, built.getConfigMapping(AccessConfig.class));
        try (var socket = new Socket("127.0.0.1", server.actualPort())) {
            var request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n"
                    + String.join(
                            "", Arrays.stream(headers).map(it -> it + "\r\n").toList()) + "\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return peers.poll(60, TimeUnit.SECONDS);
        }
    }

    @Test
    void withoutConfigurationNothingIsLookedAt() throws Exception {
        var peer = peer(Map.of(), "/mqtt/x?token=t", "Authorization: Bearer h", "Cookie: token=c");
        assertThat(peer.authorization()).isNull();
        assertThat(peer.address()).isEqualTo("127.0.0.1");
        assertThat(peer.socketAddress()).startsWith("127.0.0.1:");
        assertThat(peer.path()).isEqualTo("/mqtt/x");
        assertThat(peer.tls()).isFalse();
        assertThat(peer.certificates()).isEmpty();
    }

    @Test
    void onlyWhatIsConfiguredIsLookedAt() throws Exception {
        var all = new String[] {"Authorization: Basic h", "Cookie: a=b; token=c; d=e"};
        assertThat(peer(Map.of("authorization-header", "true"), "/mqtt?token=t", all)
                        .authorization())
                .isEqualTo("Basic h");
        assertThat(peer(Map.of("cookie", "token"), "/mqtt?token=t", all).authorization())
                .isEqualTo("Bearer c");
        assertThat(peer(Map.of("query-parameter", "token"), "/mqtt?x=1&token=t%2Bt", all)
                        .authorization())
                .isEqualTo("Bearer t+t");
        assertThat(peer(Map.of("query-parameter", "other"), "/mqtt?token=t", all)
                        .authorization())
                .isNull();
    }

    @Test
    void theHeaderGoesBeforeTheCookieAndThatBeforeTheQuery() throws Exception {
        var config = Map.of("authorization-header", "true", "cookie", "token", "query-parameter", "token");
        assertThat(peer(config, "/mqtt?token=t", "Authorization: Bearer h", "Cookie: token=c")
                        .authorization())
                .isEqualTo("Bearer h");
        assertThat(peer(config, "/mqtt?token=t", "Cookie: token=c").authorization())
                .isEqualTo("Bearer c");
        assertThat(peer(config, "/mqtt?token=t").authorization()).isEqualTo("Bearer t");
        assertThat(peer(config, "/mqtt").authorization()).isNull();
    }
}

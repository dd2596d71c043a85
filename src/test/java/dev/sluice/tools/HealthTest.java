package dev.sluice.tools;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.sluice.dev.Ports;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class HealthTest {
    @Test
    void aGatewayLivesWhenItSaysSo() throws IOException {
        var status = new AtomicInteger(200);
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/q/health/live", exchange -> {
            exchange.sendResponseHeaders(status.get(), -1);
            exchange.close();
        });
        server.start();
        try {
            var port = Integer.toString(server.getAddress().getPort());
            assertThat(Health.ask(port)).isTrue();
            status.set(503);
            assertThat(Health.ask(port)).isFalse();
        } finally {
            server.stop(0);
        }
    }

    @Test
    void nobodyThereIsNotAlive() {
        assertThat(Health.ask(Integer.toString(Ports.free()))).isFalse();
        assertThat(Health.ask("eighty")).isFalse();
    }
}

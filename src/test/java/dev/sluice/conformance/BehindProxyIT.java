package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A gateway that believes a proxy what the client's address is, and takes two sockets from each. */
class BehindProxyIT {
    private static GatewayProcess gateway;
    private static int port;

    @BeforeAll
    static void start() {
        gateway = Gateway.shared()
                .startAnother(
                        used -> port = used,
                        "-Dsluice.mqtt.connections-per-address-maximum=2",
                        "-Dquarkus.http.proxy.proxy-address-forwarding=true");
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    /** The proxy itself may have as many as it likes. */
    @Test
    void theClientsOwnAddressCounts() {
        var sockets = new ArrayList<RawHttp>();
        try {
            for (var address : List.of("203.0.113.7", "203.0.113.8", "2001:db8::1"))
                assertThat(statuses(sockets, address)).as(address).containsExactly(101, 101, 429);
            assertThat(statuses(sockets, "2001:db8::2")).containsExactly(429, 429, 429);
        } finally {
            sockets.forEach(RawHttp::close);
        }
    }

    private static List<Integer> statuses(List<RawHttp> sockets, String address) {
        var statuses = new ArrayList<Integer>();
        for (int i = 0; i < 3; i++) {
            var socket = new RawHttp(port);
            sockets.add(socket);
            socket.send(RawHttp.upgrade("GET /mqtt HTTP/1.1", "X-Forwarded-For: " + address));
            statuses.add(socket.status());
        }
        return statuses;
    }
}

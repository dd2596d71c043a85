package dev.sluice.conformance;

import static dev.sluice.conformance.SocketLimitsIT.CONNECTIONS;
import static dev.sluice.conformance.SocketLimitsIT.port;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.util.ArrayList;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Clients with small limits that come back: while the gateway still has their last connection, and again and again. */
abstract class LimitedReturnCases {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final int ROUNDS = 8;

    @BeforeEach
    void nobodyIsConnected() {
        await().until(() -> metric("sluice_connections ") == 0);
    }

    private static double metric(String name) {
        return Gateway.get(port, "/q/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private static WireClient online(String clientId) {
        var client = WireClient.open(port, V5);
        Device.connected(client, Device.connect(V5, clientId, true, Properties.NONE));
        return client;
    }

    @Test
    void whoComesBackIsNotCountedBesideItself() {
        var clients = new ArrayList<WireClient>();
        var id = Device.id("back");
        try {
            for (int i = 1; i < CONNECTIONS; i++) clients.add(online(Device.id("other")));
            clients.add(online(id));
            clients.add(online(id));
            Device.assertEnded(clients.get(CONNECTIONS - 1), V5, ReasonCode.SESSION_TAKEN_OVER);
            try (var late = WireClient.open(port, V5)) {
                var refused = late.connect(Device.connect(V5, Device.id("late"), true, Properties.NONE))
                        .receive(Packet.ConnAck.class);
                assertThat(refused.reason()).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            }
            clients.add(online(id));
        } finally {
            clients.forEach(WireClient::close);
        }
    }

    @Test
    void oneConnectionWaitsForTheShareOfAClientThatHasGone() {
        var id = Device.id("again");
        for (int i = 0; i < ROUNDS; i++) {
            try (var client = online(id)) {
                for (int j = 0; j < 3; j++) client.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/again", "x"));
                client.sendPackets(Device.goodbye());
                client.closeStatus();
            }
        }
        await().until(() -> metric("sluice_connections ") == 0);
        assertThat(metric("sluice_publishes_abandoned_total")).isPositive();
    }
}

package dev.sluice.conformance;

import static dev.sluice.conformance.AnotherGatewayIT.port;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.WireClient;
import org.junit.jupiter.api.Test;

/** Messages of QoS 0 on a gateway that drops them while Kafka is behind, and has none. */
abstract class QosFloorCases {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private static int metric(String name) {
        return Gateway.get(port, "/q/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(name))
                .mapToInt(line -> (int) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private static WireClient online() {
        var client = WireClient.open(port, V5);
        Device.connected(client, Device.connect(V5, Device.id("floor"), true, Properties.NONE));
        return client;
    }

    private static int held() {
        return metric("sluice_uplink_bytes_held_bytes");
    }

    @Test
    void aRouteCanKeepThemFromBeingDropped() throws Exception {
        Stopwatch.inTime(QosFloorCases::theyAreKept);
    }

    /** Before the connection that waits for Kafka is given up. */
    private static void theyAreKept() {
        await().until(() -> held() == 0);
        var shed = metric("sluice_uplink_shed_total");
        try (var behind = online();
                var dropped = online();
                var kept = online()) {
            for (int id = 1; id <= 2; id++) behind.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, id, "talk/x", "x"));
            await().until(() -> held() > 0);
            var before = held();
            for (int i = 0; i < 5; i++) dropped.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/x", "x"));
            dropped.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
            assertThat(metric("sluice_uplink_shed_total")).isEqualTo(shed + 5);
            // The first one waits, and the others are held.
            for (int i = 0; i < 5; i++) kept.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "floor/x", "x"));
            await().until(() -> held() >= 4 * before);
            assertThat(metric("sluice_uplink_shed_total")).isEqualTo(shed + 5);
        }
    }
}

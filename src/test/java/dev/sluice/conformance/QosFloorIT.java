package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Messages of QoS 0 on a gateway that drops them while Kafka is behind, and has none. */
class QosFloorIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private static GatewayProcess gateway;
    private static int port;

    @BeforeAll
    static void start() {
        var settings = Gateway.shared()
                .settingsOfAnother(
                        "-Dsluice.uplink.qos0-when-congested=drop",
                        "-Dsluice.uplink.bytes-in-flight=1",
                        Gateway.shared().databaseOfItsOwn())
                .withKafka("127.0.0.1:" + Ports.free());
        port = settings.port();
        gateway = GatewayProcess.start(settings);
        gateway.awaitLive();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

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
    void aRouteCanKeepThemFromBeingDropped() {
        try (var behind = online();
                var dropped = online();
                var kept = online()) {
            for (int id = 1; id <= 2; id++) behind.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, id, "talk/x", "x"));
            await().until(() -> held() > 0);
            var before = held();
            for (int i = 0; i < 5; i++) dropped.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/x", "x"));
            dropped.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
            assertThat(metric("sluice_uplink_shed_total")).isEqualTo(5);
            // The first one waits, and the others are held.
            for (int i = 0; i < 5; i++) kept.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "floor/x", "x"));
            await().until(() -> held() >= 4 * before);
            assertThat(metric("sluice_uplink_shed_total")).isEqualTo(5);
        }
    }
}

package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.support.WireClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** SIGTERM on a gateway of this test's own, beside the shared one on the same Kafka and PostgreSQL. */
class DrainIT {
    private static final int DEVICES = 10;

    @Test
    void sigtermEndsEveryConnectionOnceItsMessagesAreAnswered() {
        var shared = Gateway.shared();
        var settings = shared.settingsOfAnother();
        try (var gateway = GatewayProcess.start(settings)) {
            gateway.awaitReady();
            var port = settings.port();
            var ids = new ArrayList<String>();
            var devices = new ArrayList<WireClient>();
            for (int i = 0; i < DEVICES; i++) {
                var version = i % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
                ids.add(Device.id("drain"));
                devices.add(WireClient.open(port, version));
                Device.connected(
                        devices.getLast(),
                        Device.connect(version, ids.getLast(), true, dev.sluice.packet.Properties.NONE));
            }
            for (var device : devices)
                device.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "fleet/a/telemetry", "last words"));
            var before = System.nanoTime();
            gateway.process().signal("TERM");
            await().until(() -> Gateway.get(port, "/q/health/ready").statusCode() == 503);
            assertThat(WireClient.upgradeAnswer(
                            port, "/mqtt", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: mqtt"))
                    .startsWith("HTTP/1.1 503 ");
            for (int i = 0; i < DEVICES; i++) assertSentAway(devices.get(i), i % 2 == 0);
            assertThat(gateway.process().awaitEnd(Duration.ofSeconds(10))).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(10));
            assertThat(List.of(0, 143)).contains(gateway.process().exitStatus());
            for (var id : ids)
                assertThat(Records.of(shared, "wire.telemetry", id)).hasSize(1);
            for (var device : devices) device.close();
        }
    }

    private static void assertSentAway(WireClient device, boolean v5) {
        assertThat(device.receive(Packet.PubAck.class)).isEqualTo(new Packet.PubAck(1));
        if (v5) assertThat(device.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SERVER_SHUTTING_DOWN);
        assertThat(device.closeStatus()).isEqualTo(1001);
    }
}

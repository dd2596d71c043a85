package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

/** Properties of the producer that a user sets: they arrive, and the unsafe ones are warned of. */
class ProducerPropertiesIT {
    private static final String PREFIX = "-Dmp.messaging.outgoing.uplink.";

    @Test
    void arriveInTheProducerAndUnsafeOnesAreWarnedOf() throws IOException {
        var settings = Gateway.shared()
                .settingsOfAnother(
                        PREFIX + "client.id=fleet-gate",
                        PREFIX + "compression.type=lz4",
                        PREFIX + "acks=1",
                        // Alone it has nothing to tell others, which is too small to be compressed.
                        Gateway.shared().databaseOfItsOwn());
        try (var gateway = GatewayProcess.start(settings)) {
            gateway.awaitReady();
            try (var client = WireClient.open(settings.port(), ProtocolVersion.V5)) {
                Device.connected(client, Device.connect(ProtocolVersion.V5, Device.id("tuned"), true, Properties.NONE));
                var payload = new byte[10_000];
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/x", payload, Properties.NONE));
                client.receive(Packet.PubAck.class);
            }
            await("a producer of that name that compresses").untilAsserted(() -> {
                var rate = Gateway.get(settings.port(), "/q/metrics")
                        .body()
                        .lines()
                        .filter(line -> line.startsWith("kafka_producer_compression_rate_avg")
                                && line.contains("client_id=\"fleet-gate\""))
                        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                        .sum();
                assertThat(rate).isBetween(0.001, 0.5);
            });
        }
        assertThat(Files.readAllLines(settings.data().resolve("gateway.log")))
                .filteredOn(line -> line.contains("gives up a part of the promise"))
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .contains("WARN", "mp.messaging.outgoing.uplink.acks=1 ", "every in-sync replica"));
    }
}

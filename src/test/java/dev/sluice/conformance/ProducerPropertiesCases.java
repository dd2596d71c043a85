package dev.sluice.conformance;

import static dev.sluice.conformance.OptionsIT.port;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
abstract class ProducerPropertiesCases {
    private static final String PREFIX = "-Dmp.messaging.outgoing.uplink.";

    static final String[] OPTIONS = {PREFIX + "client.id=fleet-gate", PREFIX + "compression.type=lz4", PREFIX + "acks=1"
    };

    @Test
    void arriveInTheProducer() {
        try (var client = WireClient.open(port, ProtocolVersion.V5)) {
            Device.connected(client, Device.connect(ProtocolVersion.V5, Device.id("tuned"), true, Properties.NONE));
            // What other tests publish is too small to be compressed: there have to be more of these, on average.
            await("a producer of that name that compresses").untilAsserted(() -> {
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/x", new byte[10_000], Properties.NONE));
                client.receive(Packet.PubAck.class);
                assertThat(Gateway.metric(port, "kafka_producer_compression_rate_avg", "client_id=\"fleet-gate\""))
                        .isBetween(0.001, 0.5);
            });
        }
    }

    @Test
    void unsafeOnesAreWarnedOf() throws IOException {
        assertThat(Files.readAllLines(OptionsIT.log))
                .filteredOn(line -> line.contains("gives up a part of the promise"))
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .contains("WARN", "mp.messaging.outgoing.uplink.acks=1 ", "every in-sync replica"));
    }
}

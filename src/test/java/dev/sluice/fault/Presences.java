package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.support.PresentDevice;
import dev.sluice.support.Readers;
import dev.sluice.support.WireClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Devices that tell by retained messages whether they are online, and who looks at that; used by the test's thread. */
final class Presences implements AutoCloseable {
    private static final String TOPIC = "presence/";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final List<PresentDevice> devices = new ArrayList<>();
    private final Map<String, String> truth = new TreeMap<>();

    /** Returns when all are online. */
    static Presences start(int port, int count) {
        var presences = new Presences();
        for (int i = 0; i < count; i++) {
            var version = i / 2 % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
            presences.devices.add(PresentDevice.start(port, "present-" + i, version, TOPIC + i));
        }
        presences.awaitOnline(presences.devices);
        return presences;
    }

    private void awaitOnline(List<PresentDevice> some) {
        await("devices online").atMost(PATIENCE).until(() -> some.stream().allMatch(PresentDevice::isOnline));
    }

    /** Every other one goes for good, without a word; the others come back. */
    void finish() {
        var staying = new ArrayList<PresentDevice>();
        for (int i = 0; i < devices.size(); i++) {
            truth.put(TOPIC + i, i % 2 == 0 ? "online" : "offline");
            if (i % 2 == 0) staying.add(devices.get(i));
            else devices.get(i).close();
        }
        awaitOnline(staying);
    }

    /** What a new subscriber at this port is told by retained messages, which is true soon and stays so. */
    void assertTrue(int port) {
        await("presence as it is").atMost(PATIENCE).untilAsserted(() -> assertThat(told(port))
                .isEqualTo(truth));
    }

    private Map<String, String> told(int port) {
        try (var client = WireClient.open(port, ProtocolVersion.V5)) {
            client.connect(Readers.connect(ProtocolVersion.V5)).receive(Packet.ConnAck.class);
            var all = new Subscription(TOPIC + "+", QoS.AT_MOST_ONCE, false, false, 0);
            client.sendPackets(new Packet.Subscribe(1, List.of(all), Properties.NONE));
            client.receive(Packet.SubAck.class);
            var told = new TreeMap<String, String>();
            while (told.size() < devices.size())
                if (client.receive() instanceof Packet.Publish publish)
                    told.put(publish.topicName().toString(), new String(publish.payload(), StandardCharsets.US_ASCII));
            return told;
        }
    }

    String report() {
        return "present devices' connects %,d"
                .formatted(devices.stream().mapToInt(PresentDevice::connects).sum());
    }

    @Override
    public void close() {
        devices.forEach(PresentDevice::close);
    }
}

package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.support.Records;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A device comes back while Kafka is frozen: who watches it sees the truth at once, and Kafka has it in order afterwards. */
class PresenceFaultIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final TopicName TOPIC = TopicName.of("fleet/d1/telemetry");
    private static final QoS ONE = QoS.AT_LEAST_ONCE;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static WireClient device(int port) {
        var will = new Will(TOPIC, ONE, true, Properties.NONE, bytes("offline"));
        var client = WireClient.open(port, V5);
        client.connect(new Packet.Connect(V5, true, 60, "d1", will, null, null, Properties.NONE))
                .receive(Packet.ConnAck.class);
        return client.sendPackets(new Packet.Publish(false, ONE, true, TOPIC, 1, Properties.NONE, bytes("online")));
    }

    private static String seen(WireClient watcher) {
        return new String(watcher.receive(Packet.Publish.class).payload(), StandardCharsets.UTF_8);
    }

    @Test
    void aDeviceThatIsBackWhileKafkaIsAwayIsOnline() {
        try (var servers = Servers.start("presence");
                var watcher = WireClient.open(servers.port(), V5)) {
            watcher.connect(new Packet.Connect(V5, true, 60, "watcher", null, null, null, Properties.NONE))
                    .receive(Packet.ConnAck.class);
            var all = new Subscription("fleet/#", QoS.AT_MOST_ONCE, false, false, 0);
            watcher.sendPackets(new Packet.Subscribe(1, List.of(all), Properties.NONE))
                    .receive(Packet.SubAck.class);
            try (var older = device(servers.port())) {
                older.receive(Packet.PubAck.class);
                assertThat(seen(watcher)).isEqualTo("online");
                servers.kafka().process().freeze();
                try (var newer = device(servers.port())) {
                    assertThat(seen(watcher)).isEqualTo("offline");
                    assertThat(seen(watcher)).isEqualTo("online");
                    servers.kafka().process().thaw();
                    newer.receive(Packet.PubAck.class);
                    assertThat(servers.query("SELECT convert_from(payload, 'UTF8') FROM retained"))
                            .isEqualTo("online");
                    newer.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE))
                            .closeStatus();
                }
            }
            assertThat(Records.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, "d1", 3))
                    .extracting(Records.Record::text)
                    .containsExactly("online", "offline", "online");
        }
    }
}

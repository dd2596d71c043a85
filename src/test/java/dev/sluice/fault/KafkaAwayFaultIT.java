package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Clients of a gateway whose Kafka is frozen: only what they publish waits. */
class KafkaAwayFaultIT {
    private static final String TOPIC = "fleet/a/telemetry";
    private static final int MESSAGES = 30;

    private Servers servers;

    @Test
    void onlyWhatIsPublishedWaits() {
        try (var started = Servers.start("away", "-Xmx256m", "-Dsluice.uplink.bytes-in-flight=2000")) {
            servers = started;
            try (var listener = online(ProtocolVersion.V5, "listener");
                    var newer = online(ProtocolVersion.V5, "newer");
                    var older = online(ProtocolVersion.V3_1_1, "older")) {
                servers.kafka().process().freeze();
                publish(newer);
                publish(older);
                await().until(() -> servers.metric("sluice_uplink_bytes_held_bytes") > 0);
                goesOn(listener);
                goesOn(newer);
                goesOn(older);
                saysGoodBye("first");
                saysGoodBye("second");
                servers.kafka().process().thaw();
                assertAnswered(newer);
                assertAnswered(older);
                assertNothingIsLost();
            }
        }
    }

    private WireClient online(ProtocolVersion version, String clientId) {
        var client = WireClient.open(servers.port(), version);
        client.sendPackets(new Packet.Connect(version, true, 60, clientId, null, null, null, Properties.NONE));
        assertThat(client.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        return client;
    }

    /** All three QoS by turns. */
    private static void publish(WireClient client) {
        for (int i = 1; i <= MESSAGES; i++) client.sendPackets(publish(i, "" + i));
    }

    private static Packet.Publish publish(int number, String payload) {
        var qos = QoS.values()[number % 3];
        var packetId = qos == QoS.AT_MOST_ONCE ? 0 : number;
        return new Packet.Publish(
                false, qos, false, TopicName.of(TOPIC), packetId, Properties.NONE, payload.getBytes());
    }

    private static void goesOn(WireClient client) {
        client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        var subscription = new Subscription("x", QoS.AT_LEAST_ONCE, false, false, 0);
        client.sendPackets(new Packet.Subscribe(1000, List.of(subscription), Properties.NONE))
                .receive(Packet.SubAck.class);
        client.sendPackets(new Packet.Unsubscribe(1001, List.of("x"), Properties.NONE))
                .receive(Packet.UnsubAck.class);
    }

    /** The same client each time: what it has published keeps its order over its connections. */
    private void saysGoodBye(String when) {
        try (var client = WireClient.open(servers.port(), ProtocolVersion.V5)) {
            var will = new Will(TopicName.of(TOPIC), QoS.AT_LEAST_ONCE, false, Properties.NONE, "will".getBytes());
            client.sendPackets(
                    new Packet.Connect(ProtocolVersion.V5, true, 60, "short", will, null, null, Properties.NONE));
            client.receive(Packet.ConnAck.class);
            for (int i = 1; i <= MESSAGES; i++) client.sendPackets(publish(i, when + i));
            client.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE));
            assertThat(client.closeStatus()).isEqualTo(1000);
        }
    }

    private static void assertAnswered(WireClient client) {
        for (int i = 1; i <= MESSAGES; i++) {
            switch (QoS.values()[i % 3]) {
                case AT_MOST_ONCE -> {}
                case AT_LEAST_ONCE, EXACTLY_ONCE -> {
                    var answer = client.receive(Packet.class);
                    var packetId =
                            switch (answer) {
                                case Packet.PubAck ack -> ack.packetId();
                                case Packet.PubRec ack -> ack.packetId();
                                default -> throw new AssertionError(answer);
                            };
                    assertThat(packetId % 3).isNotZero();
                }
            }
        }
    }

    private void assertNothingIsLost() {
        var bootstrap = servers.kafka().bootstrap();
        var numbers =
                IntStream.rangeClosed(1, MESSAGES).mapToObj(String::valueOf).toList();
        for (var clientId : List.of("newer", "older"))
            assertThat(Records.of(bootstrap, Servers.KAFKA_TOPIC, clientId, MESSAGES))
                    .extracting(Records.Record::text)
                    .containsExactlyElementsOf(numbers);
        var expected = List.of("first", "second").stream()
                .flatMap(when -> numbers.stream().map(number -> when + number))
                .toList();
        await().untilAsserted(() -> assertThat(Records.of(bootstrap, Servers.KAFKA_TOPIC, "short", 2 * MESSAGES))
                .extracting(Records.Record::text)
                .containsExactlyElementsOf(expected));
        assertThat(servers.metric("sluice_publishes_abandoned_total")).isZero();
        await().until(() -> servers.metric("sluice_uplink_bytes_held_bytes") == 0);
    }
}

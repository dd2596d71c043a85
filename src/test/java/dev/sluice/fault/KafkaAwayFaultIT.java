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
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Clients of a gateway whose Kafka is frozen: only what they publish waits for Kafka. */
class KafkaAwayFaultIT {
    private static final String TOPIC = "fleet/a/telemetry";
    private static final int MESSAGES = 30;

    private static Servers servers;

    @BeforeAll
    static void start() {
        servers = Servers.start("away", "-Xmx256m", "-Dsluice.uplink.bytes-in-flight=2000");
    }

    @AfterAll
    static void stop() {
        if (servers != null) servers.close();
    }

    @Test
    void onlyWhatIsPublishedWaits() {
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

    private static WireClient online(ProtocolVersion version, String clientId) {
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
    private static void saysGoodBye(String when) {
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

    private static void assertNothingIsLost() {
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

    /** A device comes back: who watches it sees the truth at once, and Kafka has it in order afterwards. */
    @Test
    void aDeviceThatIsBackIsOnline() {
        try (var watcher = online(ProtocolVersion.V5, "watcher")) {
            var all = new Subscription("fleet/#", QoS.AT_MOST_ONCE, false, false, 0);
            watcher.sendPackets(new Packet.Subscribe(1, List.of(all), Properties.NONE))
                    .receive(Packet.SubAck.class);
            try (var older = device()) {
                older.receive(Packet.PubAck.class);
                assertThat(seen(watcher)).isEqualTo("online");
                servers.kafka().process().freeze();
                try (var newer = device()) {
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

    /** One that retains whether it is online. */
    private static WireClient device() {
        var topic = TopicName.of("fleet/d1/telemetry");
        var qos = QoS.AT_LEAST_ONCE;
        var will = new Will(topic, qos, true, Properties.NONE, "offline".getBytes());
        var client = WireClient.open(servers.port(), ProtocolVersion.V5);
        client.connect(new Packet.Connect(ProtocolVersion.V5, true, 60, "d1", will, null, null, Properties.NONE))
                .receive(Packet.ConnAck.class);
        return client.sendPackets(new Packet.Publish(false, qos, true, topic, 1, Properties.NONE, "online".getBytes()));
    }

    private static String seen(WireClient watcher) {
        return new String(watcher.receive(Packet.Publish.class).payload(), StandardCharsets.UTF_8);
    }
}

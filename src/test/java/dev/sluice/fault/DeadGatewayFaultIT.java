package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Records;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** One of two gateways is frozen, or killed for good: the other one does what it left undone, under another name. */
class DeadGatewayFaultIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    /** A lease, a second until somebody looks, and as much again for a machine that is busy. */
    private static final Duration DEATH = Duration.ofSeconds(10 + 1 + 10);

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static TopicName topic(String clientId) {
        return TopicName.of("fleet/" + clientId + "/telemetry");
    }

    /** A client with a will, whose session outlives its connection. */
    private static WireClient connect(int port, String clientId, boolean isThere) {
        var will = new Will(topic(clientId), ONE, false, Properties.NONE, bytes("will"));
        var expiry = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, 600);
        var client = WireClient.open(port, V5);
        var answer = client.connect(new Packet.Connect(V5, false, 600, clientId, will, null, null, expiry))
                .receive(Packet.ConnAck.class);
        assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
        assertThat(answer.sessionPresent()).isEqualTo(isThere);
        return client;
    }

    private static Packet.Publish publish(String clientId, String text) {
        return new Packet.Publish(false, ONE, false, topic(clientId), 1, Properties.NONE, bytes(text));
    }

    private static void awaitOffline(Servers servers, String clientId) {
        await("the burial").atMost(DEATH).until(() -> servers.query(
                        "SELECT connected FROM v_session WHERE client_id = ?", clientId)
                .equals("f"));
    }

    private static void awaitAlive(Servers servers, String count) {
        await("the gateways in the table").atMost(DEATH).until(() -> servers.query(
                        "SELECT count(*) FROM v_node WHERE state = 'alive'")
                .equals(count));
    }

    @Test
    void anotherGatewayEndsWhatADeadOneLeft() {
        try (var servers = Servers.start("dead-gateway")) {
            var settings = servers.settingsOfAnother("other");
            try (var other = GatewayProcess.start(settings)) {
                other.awaitReady();
                awaitAlive(servers, "2");
                frozen(servers, settings.port());
                killed(servers);
            }
        }
    }

    /** Once it wakes up it reads nothing of what came meanwhile, and ends its connections: the clients may be elsewhere. */
    private static void frozen(Servers servers, int otherPort) {
        var run = servers.query("SELECT run FROM v_node WHERE id = 'fault'");
        try (var client = connect(servers.port(), "d1", false)) {
            client.sendPackets(publish("d1", "before")).receive(Packet.PubAck.class);
            servers.gateway().process().freeze();
            client.sendPackets(publish("d1", "into the freeze"));
            awaitOffline(servers, "d1");
            try (var again = connect(otherPort, "d1", true)) {
                again.sendPackets(publish("d1", "elsewhere")).receive(Packet.PubAck.class);
                servers.gateway().process().thaw();

                var end = client.receive(Packet.Disconnect.class);

                assertThat(end.reason()).isEqualTo(ReasonCode.SERVER_SHUTTING_DOWN);
                again.sendPackets(publish("d1", "still here")).receive(Packet.PubAck.class);
                again.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE))
                        .closeStatus();
            }
        }
        assertThat(Records.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, "d1", 4))
                .extracting(Records.Record::text)
                .containsExactly("before", "will", "elsewhere", "still here");
        awaitAlive(servers, "2");
        assertThat(servers.query("SELECT run FROM v_node WHERE id = 'fault'")).isNotEqualTo(run);
        await("readiness").until(() -> servers.readiness() == 200);
    }

    private static void killed(Servers servers) {
        try (var client = connect(servers.port(), "d2", false)) {
            client.sendPackets(publish("d2", "before")).receive(Packet.PubAck.class);
            var begun = System.nanoTime();
            servers.gateway().process().kill();
            awaitOffline(servers, "d2");
            System.out.printf("dead gateway: buried after %d ms%n", (System.nanoTime() - begun) / 1_000_000);
            assertThat(Records.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, "d2", 2))
                    .extracting(Records.Record::text)
                    .containsExactly("before", "will");
        }
        awaitAlive(servers, "1");
        assertThat(servers.query("SELECT count(*) FROM v_node")).isEqualTo("1");
    }
}

package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Settings;
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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** One of two gateways is frozen, or killed for good: the other one does what it left undone, under another name. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DeadGatewayFaultIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    /** A lease, a second until somebody looks, and as much again for a machine that is busy. */
    private static final Duration DEATH = Duration.ofSeconds(10 + 1 + 10);

    private static Servers servers;
    private static Settings settings;
    private static GatewayProcess other;

    @BeforeAll
    static void start() {
        servers = Servers.start("dead-gateway");
        settings = servers.settingsOfAnother("other");
        other = GatewayProcess.start(settings);
        other.awaitReady();
    }

    @AfterAll
    static void stop() {
        if (other != null) other.close();
        if (servers != null) servers.close();
    }

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

    private static void awaitOffline(String clientId) {
        await("the burial").atMost(DEATH).until(() -> servers.query(
                        "SELECT connected FROM v_session WHERE client_id = ?", clientId)
                .equals("f"));
    }

    private static void awaitAlive(String count) {
        await("the gateways in the table").atMost(DEATH).until(() -> servers.query(
                        "SELECT count(*) FROM v_node WHERE state = 'alive'")
                .equals(count));
    }

    /** Once it wakes up it reads nothing of what came meanwhile, and ends its connections: the clients may be elsewhere. */
    @Order(1)
    @Test
    void anotherGatewayEndsWhatAFrozenOneLeft() {
        awaitAlive("2");
        var run = servers.query("SELECT run FROM v_node WHERE id = 'fault'");
        try (var client = connect(servers.port(), "d1", false)) {
            client.sendPackets(publish("d1", "before")).receive(Packet.PubAck.class);
            servers.gateway().process().freeze();
            client.sendPackets(publish("d1", "into the freeze"));
            awaitOffline("d1");
            try (var again = connect(settings.port(), "d1", true)) {
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
        awaitAlive("2");
        assertThat(servers.query("SELECT run FROM v_node WHERE id = 'fault'")).isNotEqualTo(run);
        await("readiness").until(() -> servers.readiness() == 200);
    }

    @Order(2)
    @Test
    @Tag("long")
    void anotherGatewayEndsWhatADeadOneLeft() {
        awaitAlive("2");
        try (var client = connect(servers.port(), "d2", false)) {
            client.sendPackets(publish("d2", "before")).receive(Packet.PubAck.class);
            var begun = System.nanoTime();
            servers.gateway().process().kill();
            awaitOffline("d2");
            System.out.printf("dead gateway: buried after %d ms%n", (System.nanoTime() - begun) / 1_000_000);
            assertThat(Records.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, "d2", 2))
                    .extracting(Records.Record::text)
                    .containsExactly("before", "will");
        }
        awaitAlive("1");
        assertThat(servers.query("SELECT count(*) FROM v_node")).isEqualTo("1");
    }
}

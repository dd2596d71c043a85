package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.GuardedKafka;
import dev.sluice.support.Records;
import dev.sluice.support.WireClient;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kafka topics whose names devices make, beside a Kafka that creates topics by itself where a producer asks for them. */
class MissingTopicIT {
    private static final int MAY_CREATE = 3;
    /** Of the topics that a device names, of which each is looked for for a second. */
    private static final int MANY = 3;

    @TempDir
    private static Path folder;

    private static EmbeddedKafka kafka;
    private static Admin admin;
    private static GatewayProcess gateway;
    private static int port;

    @BeforeAll
    static void start() {
        kafka = EmbeddedKafka.start(Ports.free(), folder, Map.of("auto.create.topics.enable", "true"));
        kafka.createTopics(Gateway.TOPICS);
        kafka.createTopics(List.of(topic(Gateway.LATE_TOPIC), topic("named.good")));
        admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrap()));
        var settings = Gateway.shared()
                .settingsOfAnother(
                        Gateway.shared().databaseOfItsOwn(), // the shared gateway's Kafka is another one
                        "-Dsluice.uplink.routes.named.filter=named/{name}",
                        "-Dsluice.uplink.routes.named.kafka-topic=named.{name}",
                        "-Dsluice.uplink.routes.letters2.filter=named-letters/{name}",
                        "-Dsluice.uplink.routes.letters2.kafka-topic=named.{name}",
                        "-Dsluice.uplink.routes.letters2.on-failure=dead-letter",
                        "-Dsluice.uplink.routes.made.filter=made/{name}",
                        "-Dsluice.uplink.routes.made.kafka-topic=made.{name}",
                        "-Dsluice.uplink.routes.made.create-topic=true",
                        "-Dsluice.uplink.created-topics-maximum=" + MAY_CREATE)
                .withKafka(kafka.bootstrap());
        port = settings.port();
        gateway = GatewayProcess.start(settings);
        gateway.awaitReady();
    }

    private static NewTopic topic(String name) {
        return new NewTopic(name, 1, (short) 1);
    }

    @AfterAll
    static void stop() {
        if (gateway != null) gateway.close();
        if (admin != null) admin.close();
        if (kafka != null) kafka.process().kill();
    }

    private static WireClient online(String clientId) {
        var client = WireClient.open(port, ProtocolVersion.V5);
        Device.connected(client, Device.connect(ProtocolVersion.V5, clientId, true, Properties.NONE));
        return client;
    }

    private static ReasonCode publish(WireClient client, int packetId, String topic) {
        client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, packetId, topic, "x"));
        var answer = client.receive(Packet.PubAck.class);
        assertThat(answer.packetId()).isEqualTo(packetId);
        return answer.reason();
    }

    private static Collection<String> topics() {
        return GuardedKafka.await(admin.listTopics().names());
    }

    private static String metrics() {
        return Gateway.get(port, "/q/metrics").body();
    }

    /** Neither it nor what comes behind it waits for long. */
    @Test
    void aMessageForATopicThatNobodyHasMadeFails() {
        var clientId = Device.id("missing");
        try (var client = online(clientId)) {
            client.sendPackets(
                    Device.publish(QoS.AT_LEAST_ONCE, 1, "named/nobody", "x"),
                    Device.publish(QoS.AT_LEAST_ONCE, 2, "named/good", "x"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            assertThat(publish(client, 3, "named-letters/nobody")).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
        }
        assertThat(Records.of(kafka.bootstrap(), "named.good", clientId, 1)).hasSize(1);
        assertThat(Records.of(kafka.bootstrap(), Gateway.DEAD_LETTERS, clientId, 1))
                .singleElement()
                .satisfies(
                        letter -> assertThat(letter.header("dead-letter-error")).isEqualTo("topic-missing"));
        assertThat(metrics()).contains("sluice_uplink_dead_letters_total{error=\"topic-missing\"} 1.0");
        assertThat(topics()).doesNotContain("named.nobody");
    }

    @Test
    void aTopicIsFoundOnceSomebodyMakesIt() {
        try (var client = online(Device.id("late"))) {
            assertThat(publish(client, 1, "named/late")).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
            kafka.createTopics(List.of(topic("named.late")));
            await().until(() -> publish(client, 2, "named/late") == ReasonCode.SUCCESS);
        }
    }

    @Test
    void noDeviceMakesTopicsByNamingThem() {
        try (var client = online(Device.id("many"))) {
            for (int i = 1; i <= MANY; i++)
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, i, "named/many" + i, "x"));
            for (int i = 1; i <= MANY; i++)
                assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
        }
        assertThat(topics()).noneMatch(name -> name.startsWith("named.many"));
    }

    @Test
    void aRouteMayCreateAsManyTopicsAsTheConfigurationSays() {
        try (var client = online(Device.id("creating"))) {
            for (int i = 1; i <= MAY_CREATE; i++)
                assertThat(publish(client, i, "made/" + i)).isEqualTo(ReasonCode.SUCCESS);
            assertThat(publish(client, 4, "made/4")).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            assertThat(publish(client, 5, "made/1")).isEqualTo(ReasonCode.SUCCESS);
        }
        assertThat(topics()).contains("made.1", "made.2", "made.3").doesNotContain("made.4");
    }
}

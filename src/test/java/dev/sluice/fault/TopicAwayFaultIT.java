package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.GuardedKafka;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.Test;

/** Kafka answers, and one of its topics takes nothing: a disk of the broker is gone. With {@code sluice.uplink.outage=spool}. */
class TopicAwayFaultIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String WELL = "well";

    private final Path folder = Path.of("target", "fault", "topic-away").toAbsolutePath();
    private final Path disk = folder.resolve("disk");
    private int packetId;

    @Test
    void itsRecordsGoToTheSpoolAndOthersToKafka() throws IOException {
        try (var servers = Servers.start(
                "topic-away",
                "-Dsluice.uplink.outage=spool",
                "-Dsluice.uplink.outage-grace=1s",
                "-Dsluice.uplink.routes.to.filter=to/{kafka}",
                "-Dsluice.uplink.routes.to.kafka-topic={kafka}")) {
            servers.kafka().close();
            awaitLogged(servers, "Kafka has not answered");
            try (var kafka = kafkaWithTwoDisks(servers.kafka().bootstrap());
                    var admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrap()))) {
                create(admin, WELL);
                var away = topicOnTheDisk(admin);
                await("readiness").atMost(PATIENCE).until(() -> servers.readiness() == 200);
                awaitLogged(servers, "the spool is drained"); // of the time between the two brokers
                try (var client = online(servers);
                        var other = online(servers)) {
                    publish(client, away);
                    publish(other, WELL);
                    pull(disk);
                    for (int i = 0; i < 20; i++) publish(client, away);
                    assertThat(servers.query("SELECT count(*) FROM v_spool WHERE kafka_topic = '" + away + "'"))
                            .isNotEqualTo("0");
                    assertThat(servers.logged("records for these Kafka topics go to the spool"))
                            .singleElement()
                            .asString()
                            .contains(away);
                    assertThat(servers.readiness()).isEqualTo(200);
                    assertThat(servers.metric("sluice_uplink_standstills")).isEqualTo(1);
                    publish(other, WELL);
                }
            }
        }
    }

    private static void awaitLogged(Servers servers, String text) {
        await(text).atMost(PATIENCE).until(() -> !servers.logged(text).isEmpty());
    }

    private EmbeddedKafka kafkaWithTwoDisks(String bootstrap) throws IOException {
        format();
        var first = folder.resolve("kafka").toString();
        var port = Integer.parseInt(bootstrap.substring(bootstrap.indexOf(':') + 1));
        return EmbeddedKafka.start(port, folder, Map.of("log.dirs", first + "," + disk, "metadata.log.dir", first));
    }

    /** As the first one is, but for its own id. */
    private void format() throws IOException {
        Files.createDirectories(disk);
        var first = Files.readString(folder.resolve("kafka").resolve("meta.properties"));
        Files.writeString(
                disk.resolve("meta.properties"),
                first.replaceFirst("directory.id=.*", "directory.id=" + Uuid.randomUuid()));
    }

    private static void create(Admin admin, String kafkaTopic) {
        // A new segment, for which the disk has to be there, as soon as there is a record again.
        var topic = new NewTopic(kafkaTopic, 1, (short) 1).configs(Map.of("segment.ms", "100"));
        GuardedKafka.await(admin.createTopics(List.of(topic)).all());
    }

    /** The broker chooses the disk of a partition. */
    private String topicOnTheDisk(Admin admin) {
        for (int i = 0; i < 20; i++) {
            var kafkaTopic = "away-" + i;
            create(admin, kafkaTopic);
            var partition = kafkaTopic + "-0";
            await("its folder")
                    .atMost(PATIENCE)
                    .until(() -> Files.exists(disk.resolve(partition))
                            || Files.exists(folder.resolve("kafka").resolve(partition)));
            if (Files.exists(disk.resolve(partition))) return kafkaTopic;
        }
        throw new AssertionError("no topic on " + disk);
    }

    private static void pull(Path disk) throws IOException {
        try (var files = Files.walk(disk)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
        Files.createFile(disk);
    }

    private static WireClient online(Servers servers) {
        var client = WireClient.open(servers.port(), ProtocolVersion.V5);
        client.sendPackets(new Packet.Connect(
                ProtocolVersion.V5, true, 0, "client-" + client.hashCode(), null, null, null, Properties.NONE));
        assertThat(client.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        return client;
    }

    private void publish(WireClient client, String kafkaTopic) {
        packetId++;
        client.sendPackets(new Packet.Publish(
                false,
                QoS.AT_LEAST_ONCE,
                false,
                TopicName.of("to/" + kafkaTopic),
                packetId,
                Properties.NONE,
                new byte[10]));
        var answer = client.receive(Packet.PubAck.class);
        assertThat(answer.packetId()).isEqualTo(packetId);
        assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
    }
}

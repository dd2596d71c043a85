package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.GuardedKafka;
import dev.sluice.support.Publisher;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.Test;

/**
 * One client whose records Kafka must refuse, each second, beside honest ones in the same partition: nobody but it notices. A minute
 * with a hundred clients: {@code -Dpoison.seconds=60 -Dpoison.clients=100 -Dpoison.pace=20}.
 */
class PoisonRecordFaultIT {
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("poison.seconds", 3));
    private static final int CLIENTS = Integer.getInteger("poison.clients", 20);
    private static final Duration PACE = Duration.ofMillis(Integer.getInteger("poison.pace", 80));
    /** Whose key comes out empty. */
    private static final Packet.Publish POISON = new Packet.Publish(
            false, QoS.AT_MOST_ONCE, false, TopicName.of("poison//telemetry"), 0, Properties.NONE, new byte[10]);

    @Test
    void aRecordWithoutAKeyForACompactedTopicHurtsNobodyElse() {
        try (var servers = Servers.startBelow(
                "poison",
                "-Xmx256m",
                "-Dsluice.uplink.routes.poison.filter=poison/{device}/telemetry",
                "-Dsluice.uplink.routes.poison.kafka-topic=" + Servers.KAFKA_TOPIC,
                "-Dsluice.uplink.routes.poison.key={device}")) {
            compact(servers.kafka());
            servers.serve();
            try (var fleet = new Fleet(servers.port())) {
                fleet.add(CLIENTS, QoS.AT_LEAST_ONCE, PACE);
                fleet.awaitProgress(Duration.ofSeconds(60), 10, fleet.all());
                poison(servers);
                fleet.quiet(Duration.ofSeconds(60));
                assertUndisturbed(servers, fleet);
            }
        }
    }

    private static void compact(EmbeddedKafka kafka) {
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, Servers.KAFKA_TOPIC);
        var policy = new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.SET);
        try (var admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrap()))) {
            GuardedKafka.await(admin.incrementalAlterConfigs(Map.of(topic, List.of(policy)))
                    .all());
        }
    }

    private static void poison(Servers servers) {
        try (var evil = WireClient.open(servers.port(), ProtocolVersion.V5)) {
            evil.sendPackets(
                    new Packet.Connect(ProtocolVersion.V5, true, 0, "evil", null, null, null, Properties.NONE));
            evil.receive(Packet.ConnAck.class);
            for (int i = 0; i < TIME.toSeconds(); i++) {
                evil.sendPackets(POISON);
                Fleet.runOn(Duration.ofSeconds(1));
            }
            await("the refusals").until(() -> servers.metric("sluice_uplink_refused_total") == TIME.toSeconds());
        }
    }

    private static void assertUndisturbed(Servers servers, Fleet fleet) {
        assertThat(servers.metric("sluice_uplink_producer_replaced_total")).isZero();
        assertThat(fleet).allSatisfy(publisher -> {
            assertThat(publisher.disconnects()).isEmpty();
            assertThat(publisher.connects()).isEqualTo(1);
        });
        var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
        System.out.println("poison: " + account.report());
        account.assertKept();
        account.assertNoRepeats();
        account.assertComplete();
        assertThat(fleet.all().stream().mapToInt(Publisher::repeats).sum()).isZero();
    }
}

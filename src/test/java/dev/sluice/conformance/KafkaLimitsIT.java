package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.ForeignProducer;
import dev.sluice.support.Gateway;
import dev.sluice.support.GuardedKafka;
import dev.sluice.support.Records;
import dev.sluice.support.WireClient;
import dev.sluice.tools.RecordAudit;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a Kafka that is there does not take: it concerns the messages it is about, and no other route. */
class KafkaLimitsIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final ProtocolVersion V3 = ProtocolVersion.V3_1_1;
    private static final String TALK = "wire.talk";
    private static final String PASSWORD = "secret";
    /** Bytes that may wait for Kafka; less than the crowd of a deleted topic has. */
    private static final int ROOM = 200_000;

    private static final int CROWD_MESSAGES = 10;
    private static final int PIPELINED = 200;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private static Path folder;

    private static GuardedKafka kafka;
    private static GatewayProcess gateway;
    private static int port;
    private final String otherId = Device.id("other");
    private WireClient other;
    private int otherPackets;

    @BeforeAll
    static void start() {
        var topics = Stream.concat(Gateway.TOPICS.stream(), Stream.of(topic(Gateway.LATE_TOPIC)));
        kafka = GuardedKafka.start(folder, topics.toArray(NewTopic[]::new));
        kafka.password(PASSWORD);
        kafka.allowAll();
        var options = new ArrayList<>(kafka.options(PASSWORD));
        options.add("-Dsluice.uplink.bytes-in-flight=" + ROOM);
        options.add("-Dsluice.uplink.bytes-in-flight-per-kafka-topic=" + ROOM / 2);
        // For so long a broker may keep its answer about a partition that is no more.
        options.add("-Dmp.messaging.outgoing.uplink.request.timeout.ms=10000");
        options.add(Gateway.shared().databaseOfItsOwn()); // the shared gateway's Kafka is another one
        var settings = Gateway.shared()
                .settingsOfAnother(options.toArray(String[]::new))
                .withKafka(kafka.securedBootstrap());
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
        if (kafka != null) kafka.close();
    }

    @BeforeEach
    void anotherRoute() {
        other = online(V5, otherId);
        assertOthersGoOn();
    }

    /** Whatever a test did, the other route has gone on over one connection, and has everything. */
    @AfterEach
    void theOtherRouteHasEverything() {
        assertOthersGoOn();
        other.close();
        assertThat(Records.of(kafka.bootstrap(), "wire.telemetry", otherId, otherPackets))
                .extracting(Records.Record::text)
                .containsExactlyElementsOf(Stream.iterate(1, i -> i + 1)
                        .map(String::valueOf)
                        .limit(otherPackets)
                        .toList());
    }

    private void assertOthersGoOn() {
        for (int i = 0; i < 3; i++) {
            otherPackets++;
            other.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, otherPackets, "fleet/a/telemetry", "" + otherPackets));
            assertThat(other.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
    }

    private static WireClient online(ProtocolVersion version, String clientId) {
        var client = WireClient.open(port, version);
        Device.connected(client, Device.connect(version, clientId, true, Properties.NONE));
        return client;
    }

    private static ReasonCode publish(WireClient client, int packetId, String topic, int size) {
        client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, packetId, topic, new byte[size], Properties.NONE));
        return client.receive(Packet.PubAck.class).reason();
    }

    /** Too large for the Kafka topic, and for the producer ({@code max.request.size}). */
    @Test
    void aRecordTooLargeIsRefused() {
        var sizes = Map.of("small/x", 2 * Gateway.SMALL_RECORD, "talk/x", 50_000);
        sizes.forEach((topic, size) -> {
            try (var client = online(V5, Device.id("large"))) {
                assertThat(publish(client, 1, topic, size)).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
                assertThat(publish(client, 2, topic, 10)).isEqualTo(ReasonCode.SUCCESS);
            }
            try (var client = online(V3, Device.id("large"))) {
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, topic, new byte[size], Properties.NONE));
                client.closeStatus();
            }
        });
    }

    /** Together they are a batch that the topic does not take. */
    @Test
    void smallRecordsThatAreTooLargeTogetherArrive() {
        try (var client = online(V5, Device.id("batch"))) {
            // Kafka has to know the producer: else it takes the second batch although it has refused the first.
            assertThat(publish(client, 100, "small/x", 10)).isEqualTo(ReasonCode.SUCCESS);
            for (int first = 1; first <= 81; first += 20) {
                for (int id = first; id < first + 20; id++)
                    client.sendPackets(Device.publish(
                            QoS.AT_LEAST_ONCE, id, "small/x", new byte[Gateway.SMALL_RECORD / 4], Properties.NONE));
                for (int id = first; id < first + 20; id++)
                    assertThat(client.receive(Packet.PubAck.class))
                            .returns(id, Packet.PubAck::packetId)
                            .returns(ReasonCode.SUCCESS, Packet.PubAck::reason);
            }
        }
    }

    @Test
    void messagesForADeletedTopicWaitUntilItIsThereAgain() {
        try (var client = online(V5, Device.id("deleted"));
                var late = online(V3, Device.id("deleted"))) {
            assertThat(publish(client, 1, "talk/x", 10)).isEqualTo(ReasonCode.SUCCESS);
            GuardedKafka.await(kafka.admin().deleteTopics(List.of(TALK)).all());
            await("the deletion").atMost(PATIENCE).until(() -> !topics().contains(TALK));
            for (int id = 2; id <= 10; id++)
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, id, "talk/x", "m" + id));
            late.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/x", "late"));
            var crowd = crowd();
            for (int i = 0; i < 20; i++) assertOthersGoOn();
            await("the readiness check of a missing topic")
                    .atMost(PATIENCE)
                    .until(
                            () -> Gateway.get(port, "/q/health/ready"),
                            answer ->
                                    answer.statusCode() == 200 && answer.body().contains(TALK));
            GuardedKafka.await(kafka.admin().createTopics(List.of(topic(TALK))).all());
            for (int id = 2; id <= 10; id++) {
                var answer = client.receive(Packet.PubAck.class);
                assertThat(answer.packetId()).isEqualTo(id);
                assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
            }
            assertThat(late.receive(Packet.PubAck.class).packetId()).isEqualTo(1);
            assertThat(publish(client, 11, "talk/x", 10)).isEqualTo(ReasonCode.SUCCESS);
            for (var one : crowd) {
                for (int id = 1; id <= CROWD_MESSAGES; id++)
                    assertThat(one.receive(Packet.PubAck.class).packetId()).isEqualTo(id);
                one.close();
            }
        }
    }

    /** What the producer holds for the partitions that are no more, nobody but another producer lets go. */
    @Test
    void recordsForPartitionsThatAreNoMoreAreLetGo() {
        makeAgain(8);
        var clients = new ArrayList<WireClient>();
        for (int i = 0; i < 16; i++) {
            var one = online(V5, Device.id("fewer"));
            assertThat(publish(one, 1, "talk/x", 10)).isEqualTo(ReasonCode.SUCCESS);
            clients.add(one);
        }
        GuardedKafka.await(kafka.admin().deleteTopics(List.of(TALK)).all());
        await("the deletion").atMost(PATIENCE).until(() -> !topics().contains(TALK));
        for (var one : clients) one.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 2, "talk/x", "two"));
        await("bytes in flight").atMost(PATIENCE).until(() -> bytesInFlight() > 0);
        GuardedKafka.await(kafka.admin().createTopics(List.of(topic(TALK))).all());
        await("no more bytes in flight").atMost(PATIENCE).until(() -> bytesInFlight() == 0);
        var answers = clients.stream()
                .map(one -> switch (one.receive()) {
                    case Packet.Disconnect end -> end.reason();
                    case Packet.PubAck answer -> answer.reason();
                    case Packet other -> throw new AssertionError("not an answer: " + other);
                })
                .toList();
        assertThat(answers).contains(ReasonCode.SERVER_BUSY).isSubsetOf(ReasonCode.SERVER_BUSY, ReasonCode.SUCCESS);
        clients.forEach(WireClient::close);
        try (var client = online(V5, Device.id("fewer"))) {
            assertThat(publish(client, 1, "talk/x", 10)).isEqualTo(ReasonCode.SUCCESS);
        }
    }

    private static void makeAgain(int partitions) {
        GuardedKafka.await(kafka.admin().deleteTopics(List.of(TALK)).all());
        await("the deletion").atMost(PATIENCE).until(() -> !topics().contains(TALK));
        GuardedKafka.await(kafka.admin()
                .createTopics(List.of(new NewTopic(TALK, partitions, (short) 1)))
                .all());
        try (var client = online(V5, Device.id("again"))) {
            assertThat(publish(client, 1, "talk/x", 10)).isEqualTo(ReasonCode.SUCCESS);
        }
    }

    private static double bytesInFlight() {
        return Gateway.get(port, "/q/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith("sluice_uplink_bytes_in_flight_bytes"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** Clients whose messages for one Kafka topic are more than may wait for all of Kafka. */
    private static List<WireClient> crowd() {
        var crowd = new ArrayList<WireClient>();
        for (int i = 0; i < 50; i++) {
            var one = online(V5, Device.id("crowd"));
            for (int id = 1; id <= CROWD_MESSAGES; id++)
                one.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, id, "talk/x", new byte[ROOM / 200], Properties.NONE));
            crowd.add(one);
        }
        return crowd;
    }

    private static Collection<String> topics() {
        return GuardedKafka.await(kafka.admin().listTopics().names());
    }

    @Test
    void withoutTheRightToWriteMessagesAreRefusedUntilItIsGranted() {
        try (var client = online(V5, Device.id("acl"));
                var old = online(V3, Device.id("acl"))) {
            assertThat(publish(client, 1, "talk/x", 10)).isEqualTo(ReasonCode.SUCCESS);
            kafka.denyWrite(TALK);
            var packetIds = Stream.iterate(2, id -> id + 1).iterator();
            await("a refusal")
                    .atMost(PATIENCE)
                    .until(() -> publish(client, packetIds.next(), "talk/x", 10) == ReasonCode.NOT_AUTHORIZED);
            assertOthersGoOn();
            old.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/x", "old"));
            old.closeStatus();
            kafka.withdrawDenial(TALK);
            await("the right to write")
                    .atMost(PATIENCE)
                    .until(() -> publish(client, packetIds.next(), "talk/x", 10) == ReasonCode.SUCCESS);
        }
    }

    /** What Kafka does with a producer that was silent for longer than {@code producer.id.expiration.ms}. */
    @Test
    void aProducerThatKafkaHasForgottenGoesOn() {
        var clientId = Device.id("forgotten");
        try (var client = online(V5, clientId)) {
            assertThat(publish(client, 1, "talk/x", 1)).isEqualTo(ReasonCode.SUCCESS);
            expireProducersAfter("500");
            await("Kafka to forget").atMost(PATIENCE).until(() -> producers(TALK)
                    .isEmpty());
            expireProducersAfter("86400000");
            for (int id = 2; id <= 5; id++)
                assertThat(publish(client, id, "talk/x", id)).isEqualTo(ReasonCode.SUCCESS);
        }
        assertClean(clientId, 5, 0);
    }

    private static void expireProducersAfter(String millis) {
        var change = new AlterConfigOp(new ConfigEntry("producer.id.expiration.ms", millis), AlterConfigOp.OpType.SET);
        GuardedKafka.await(kafka.admin()
                .incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.BROKER, ""), List.of(change)))
                .all());
    }

    /** Kafka answers INVALID_PRODUCER_EPOCH: a higher epoch of the gateway's producer id has written. */
    @Test
    void aFencedProducerGoesOn() {
        var clientId = Device.id("fenced");
        try (var client = online(V5, clientId)) {
            assertThat(publish(client, 1, "talk/x", 1)).isEqualTo(ReasonCode.SUCCESS);
            var mine = producer();
            ForeignProducer.write(kafka.plainPort(), TALK, mine, mine.producerEpoch() + 1, 0, 3);
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 2, "talk/x", "two"));
            // Not an answer, but a request to send again.
            assertThat(client.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SERVER_BUSY);
        }
        try (var client = online(V5, clientId)) {
            client.sendPackets(Device.repeated(Device.publish(QoS.AT_LEAST_ONCE, 2, "talk/x", "two")));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            assertThat(publish(client, 3, "talk/x", 3)).isEqualTo(ReasonCode.SUCCESS);
        }
        assertClean(clientId, 3, 0);
    }

    /** The same in the middle of many: what came behind those that failed has to come behind them again. */
    @Test
    void nothingPassesABatchThatFailedForNow() {
        var clientId = Device.id("behind");
        var answered = new BitSet();
        try (var client = online(V5, clientId)) {
            assertThat(publish(client, 1, "talk/x", 1)).isEqualTo(ReasonCode.SUCCESS);
            answered.set(1);
            var mine = producer();
            ForeignProducer.write(kafka.plainPort(), TALK, mine, mine.producerEpoch() + 1, 0, 3);
            pipeline(client, answered, false);
            var answer = client.receive();
            for (; answer instanceof Packet.PubAck ack; answer = client.receive()) answered.set(ack.packetId());
            assertThat(answer).isInstanceOfSatisfying(Packet.Disconnect.class, told -> assertThat(told.reason())
                    .isEqualTo(ReasonCode.SERVER_BUSY));
        }
        try (var client = online(V5, clientId)) {
            for (int expected = pipeline(client, answered, true); expected > 0; expected--)
                assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        var found = RecordAudit.read(kafka.bootstrap(), TALK).findings().get(clientId);
        assertThat(found.gaps()).as("gaps: %s", found.notes()).isZero();
        assertThat(found.disorder()).as("disorder").isZero();
        assertThat(found.records() - found.repeats()).isEqualTo(PIPELINED);
    }

    /** Sends all that is not answered at once; returns how many that are. */
    private static int pipeline(WireClient client, BitSet answered, boolean again) {
        var packets = IntStream.rangeClosed(1, PIPELINED)
                .filter(id -> !answered.get(id))
                .mapToObj(id -> Device.publish(QoS.AT_LEAST_ONCE, id, "talk/x", "m" + id))
                .map(it -> again ? Device.repeated(it) : it)
                .toArray(Packet[]::new);
        client.sendPackets(packets);
        return packets.length;
    }

    /** Kafka answers OUT_OF_ORDER_SEQUENCE_NUMBER: the gateway's producer id has written what the gateway does not know of. */
    @Test
    void aProducerOutOfItsSequenceGoesOn() {
        var clientId = Device.id("sequence");
        try (var client = online(V5, clientId)) {
            assertThat(publish(client, 1, "talk/x", 1)).isEqualTo(ReasonCode.SUCCESS);
            var mine = producer();
            ForeignProducer.write(kafka.plainPort(), TALK, mine, mine.producerEpoch(), mine.lastSequence() + 1, 50);
            for (int id = 2; id <= 9; id++)
                assertThat(publish(client, id, "talk/x", id)).isEqualTo(ReasonCode.SUCCESS);
        }
        assertClean(clientId, 9, 0);
    }

    private static void assertClean(String clientId, long records, long repeats) {
        var found = RecordAudit.read(kafka.bootstrap(), TALK).findings().get(clientId);
        assertThat(List.of(found.records(), found.repeats(), found.gaps(), found.disorder()))
                .as("records, repeats, gaps, disorder")
                .containsExactly(records, repeats, 0L, 0L);
    }

    private static List<ProducerState> producers(String kafkaTopic) {
        var partition = new TopicPartition(kafkaTopic, 0);
        return GuardedKafka.await(
                        kafka.admin().describeProducers(List.of(partition)).partitionResult(partition))
                .activeProducers();
    }

    /** The gateway's: the one that wrote last. */
    private static ProducerState producer() {
        return producers(TALK).stream()
                .max((one, two) -> Long.compare(one.lastTimestamp(), two.lastTimestamp()))
                .orElseThrow();
    }
}

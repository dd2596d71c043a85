package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import dev.sluice.support.Subscriber;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What does not move stops only itself, and is told: commands that wait, an open transaction, a Kafka topic that is made again. */
class DownlinkStandstillFaultIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** Much less than the other partition stands still. */
    private static final Duration SOON = Duration.ofSeconds(15);

    private static final String WAITING = "waiting.commands";
    private static final String OPEN = "open.commands";
    private static final String AGAIN = "again.commands";
    private static final String ABSENT = "fleet/absent/command";
    private static final int IN_FLIGHT = 50;
    private static final int ROOM = 400_000;

    private static Servers servers;
    private static Audience audience;
    private static KafkaProducer<byte[], byte[]> backend;

    @BeforeAll
    static void start() throws Exception {
        servers = Servers.start(
                "downlink-standstill",
                "-Dsluice.downlink.topics=" + String.join(",", WAITING, OPEN, AGAIN),
                "-Dsluice.downlink.in-flight=" + IN_FLIGHT,
                "-Dsluice.downlink.bytes-waiting=" + ROOM,
                "-Dsluice.downlink.patience=10m");
        audience = new Audience(servers.port());
        backend = producer(Map.of());
        createTopics(new NewTopic(WAITING, 2, (short) 1), new NewTopic(OPEN, 1, (short) 1), again(2));
    }

    @AfterAll
    static void stop() {
        if (backend != null) backend.close();
        if (audience != null) audience.close();
        if (servers != null) servers.close();
    }

    private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> more) {
        var config = new java.util.HashMap<>(more);
        config.put("bootstrap.servers", servers.kafka().bootstrap());
        return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static void createTopics(NewTopic... topics) {
        servers.kafka().createTopics(List.of(topics));
    }

    private static NewTopic again(int partitions) {
        return new NewTopic(AGAIN, partitions, (short) 1);
    }

    private static Subscriber device(String name, String topic) {
        var device = audience.add(
                new Subscriber.Profile(name, ProtocolVersion.V5, QoS.AT_LEAST_ONCE, false, List.of(topic)));
        await(name).until(device::isSubscribed);
        return device;
    }

    private static ProducerRecord<byte[], byte[]> record(String kafkaTopic, int partition, String topic, int number) {
        var key = topic.getBytes(StandardCharsets.US_ASCII);
        return new ProducerRecord<>(kafkaTopic, partition, key, HandMadeBatch.Inscription.of(number));
    }

    private static void send(String kafkaTopic, int partition, String topic, int from, int to) throws Exception {
        for (int i = from; i <= to; i++) backend.send(record(kafkaTopic, partition, topic, i));
        backend.flush();
    }

    private static void awaitNumbers(Subscriber device, String topic, int count, Duration time) {
        awaitInAnyOrder(device, topic, count, time);
        assertThat(device.inbox().outOfOrder(topic)).isZero();
    }

    private static void awaitInAnyOrder(Subscriber device, String topic, int count, Duration time) {
        var all = new BitSet();
        all.set(1, count + 1);
        await(count + " commands of " + topic)
                .atMost(time)
                .untilAsserted(() -> assertThat(device.inbox().numbers(topic)).isEqualTo(all));
    }

    private static double standstill(String kafkaTopic, int partition, String reason) {
        return servers.metric("sluice_downlink_standstill{kafka_topic=\"%s\",partition=\"%d\",reason=\"%s\""
                .formatted(kafkaTopic, partition, reason));
    }

    private static void assertToldOfPartition(String partition, String why) {
        assertThat(servers.metric("sluice_downlink_up")).isZero();
        var readiness = Gateway.get(servers.port(), "/q/health/ready");
        assertThat(readiness.statusCode()).isEqualTo(200);
        assertThat(readiness.body()).contains(partition, "stands still", why);
        assertThat(servers.logged("the partition " + partition + " of the downlink stands still"))
                .singleElement()
                .asString()
                .contains("WARN", why);
    }

    private static void awaitMoving() {
        await("a downlink that works").untilAsserted(() -> {
            assertThat(servers.metric("sluice_downlink_up")).isEqualTo(1);
            assertThat(servers.metric("sluice_downlink_standstill")).isZero();
            assertThat(servers.metric("sluice_downlink_lag")).isZero();
        });
    }

    /** Nobody is subscribed to one topic for a long time. More wait than may be in flight, and then more than may wait. */
    @Test
    void commandsThatWaitStopTheirOwnPartitionAtMost() throws Exception {
        var here = device("here", "fleet/here/command");
        var there = device("there", "fleet/there/command");
        send(WAITING, 0, ABSENT, 1, 2 * IN_FLIGHT);
        send(WAITING, 0, "fleet/here/command", 1, 10);
        awaitNumbers(here, "fleet/here/command", 10, PATIENCE);
        await("those that nobody takes").until(() -> servers.metric("sluice_downlink_waiting") == 2 * IN_FLIGHT);

        send(WAITING, 0, ABSENT, 2 * IN_FLIGHT + 1, 1000);
        await("a partition that has no room").atMost(PATIENCE).until(() -> standstill(WAITING, 0, "waiting") > 0);
        for (int i = 1; i <= 20; i++) {
            send(WAITING, 1, "fleet/there/command", i, i);
            awaitNumbers(there, "fleet/there/command", i, SOON);
        }
        assertThat(servers.metric("sluice_downlink_in_flight")).isBetween(100d, ROOM / 1000d);
        await("the lag").until(() -> servers.metric("sluice_downlink_lag") == 1000);
        assertToldOfPartition(WAITING + "-0", "wait for subscribers");

        var absent = device("absent", ABSENT);
        awaitNumbers(absent, ABSENT, 1000, PATIENCE);
        awaitMoving();
    }

    @Test
    @Tag("long")
    void anOpenTransactionIsTold() throws Exception {
        var topic = "fleet/open/command";
        var device = device("open", topic);
        try (var careless = producer(Map.of("transactional.id", "careless"))) {
            careless.initTransactions();
            careless.beginTransaction();
            careless.send(record(OPEN, 0, topic, 100)).get();
            send(OPEN, 0, topic, 1, 5);
            await("a standstill").until(() -> standstill(OPEN, 0, "transaction") == 6);
            await("the lag").until(() -> servers.metric("sluice_downlink_lag") == 6);
            assertToldOfPartition(OPEN + "-0", "a transaction is open at offset 0");
            assertThat(device.inbox().messages()).isZero();
            careless.abortTransaction();
        }
        awaitNumbers(device, topic, 5, PATIENCE);
        awaitMoving();
    }

    /** With more records than the old one had, so that no offset is out of range; and a record of the old one waits still. */
    @Test
    void aKafkaTopicThatIsMadeAgainIsReadFromItsFirstRecordOn() throws Exception {
        var topic = "fleet/again/command";
        var device = device("again", topic);
        send(AGAIN, 0, topic, 1, 5);
        send(AGAIN, 0, "fleet/gone/command", 1, 1);
        awaitNumbers(device, topic, 5, PATIENCE);
        await("a record that waits").until(() -> servers.metric("sluice_downlink_in_flight") == 1);
        try (var admin =
                Admin.create(Map.of("bootstrap.servers", servers.kafka().bootstrap()))) {
            admin.deleteTopics(List.of(AGAIN)).all().get();
            createAgain(admin);
            send(AGAIN, 0, topic, 6, 20);
            // What the new one has where the old one was read last may come first: only then does Kafka tell.
            awaitInAnyOrder(device, topic, 20, PATIENCE);
            await("the offset of the new topic").until(() -> committed(admin) == 15);
        }
        awaitMoving();
    }

    private static void createAgain(Admin admin) {
        await("the same name").ignoreExceptions().until(() -> {
            admin.createTopics(List.of(again(1))).all().get();
            return true;
        });
    }

    private static long committed(Admin admin) throws InterruptedException, ExecutionException {
        var offset = admin.listConsumerGroupOffsets("sluice-downlink")
                .partitionsToOffsetAndMetadata()
                .get()
                .get(new TopicPartition(AGAIN, 0));
        return offset == null ? 0 : offset.offset();
    }
}

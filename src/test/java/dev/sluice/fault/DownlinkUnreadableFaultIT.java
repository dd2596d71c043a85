package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import dev.sluice.support.Subscriber;
import dev.sluice.tools.KafkaRecords;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Commands that cannot be read, among ones that can. */
class DownlinkUnreadableFaultIT {
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    private static final String ONE = "fleet/device-1/command";
    private static final String OTHER = "fleet/device-2/command";
    private static final String THIRD = "fleet/device-3/command";

    private static Servers servers;

    /** One for each test, as is the topic of its dead letters. */
    private String kafkaTopic;

    @BeforeAll
    static void start() {
        servers = Servers.startBelow("downlink-unreadable");
    }

    @AfterAll
    static void stop() {
        if (servers != null) servers.close();
    }

    private void serve(String test, String... javaOptions) {
        kafkaTopic = test + ".commands";
        servers.kafka()
                .createTopics(
                        List.of(new NewTopic(kafkaTopic, 4, (short) 1), new NewTopic(deadLetterTopic(), 1, (short) 1)));
        var own = Stream.of(
                "-Dsluice.downlink.topics=" + kafkaTopic,
                "-Dsluice.downlink.group=" + kafkaTopic,
                "-Dsluice.uplink.dead-letter-topic=" + deadLetterTopic());
        servers.serve(Stream.concat(own, Stream.of(javaOptions)).toArray(String[]::new));
    }

    private String deadLetterTopic() {
        return kafkaTopic + ".dead";
    }

    private Path partition(int partition) {
        return Path.of("target", "fault", "downlink-unreadable", "kafka", kafkaTopic + "-" + partition);
    }

    private Subscriber device(Audience audience) {
        var device = audience.add(new Subscriber.Profile(
                kafkaTopic, ProtocolVersion.V5, QoS.EXACTLY_ONCE, true, List.of(ONE, OTHER, THIRD)));
        audience.awaitAll(Duration.ofSeconds(60), "subscriptions", Subscriber::isSubscribed);
        return device;
    }

    /** Sends a command by Kafka's own producer; returns the offset behind it. */
    private long send(String codec, int partition, String topic, int number) throws Exception {
        var config =
                Map.<String, Object>of("bootstrap.servers", servers.kafka().bootstrap(), "compression.type", codec);
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            var key = topic.getBytes(StandardCharsets.US_ASCII);
            var record = new ProducerRecord<>(kafkaTopic, partition, key, HandMadeBatch.Inscription.of(number));
            return producer.send(record).get().offset() + 1;
        }
    }

    private static void awaitNumbers(Subscriber device, String topic, IntStream numbers) {
        var all = new BitSet();
        numbers.forEach(all::set);
        await("the commands that can be read")
                .atMost(Duration.ofSeconds(60))
                .untilAsserted(() -> assertThat(device.inbox().numbers(topic)).isEqualTo(all));
        assertThat(device.inbox().outOfOrder(topic)).isZero();
        assertThat(device.inbox().repeats(topic)).isZero();
    }

    private List<ConsumerRecord<byte[], byte[]>> deadLetters(int count) {
        var letters = new ArrayList<ConsumerRecord<byte[], byte[]>>();
        try (var records = KafkaRecords.fromBeginning(servers.kafka().bootstrap(), deadLetterTopic())) {
            await("dead letters").until(() -> {
                records.poll(letters::add);
                return letters.size() >= count;
            });
        }
        assertThat(letters).hasSize(count);
        return letters;
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        return new String(record.headers().lastHeader("dead-letter-" + name).value(), StandardCharsets.UTF_8);
    }

    private static List<String> complaints() {
        return servers.logged("ERROR").stream()
                .filter(line -> line.contains("(sluice-downlink)"))
                .toList();
    }

    private static double unreadable(String reason) {
        return servers.metric("sluice_downlink_unreadable_total{reason=\"" + reason + "\"");
    }

    @Test
    void whatCannotBeReadHoldsUpNothing() throws Exception {
        serve("unreadable");
        try (var audience = new Audience(servers.port())) {
            var device = device(audience);
            for (int i = 0; i < CODECS.size(); i++) send(CODECS.get(i), 0, ONE, i + 1);
            long next = CODECS.size();
            send("none", 1, OTHER, 1);
            // The end of a transaction takes an offset of its own, and is no record.
            var behindMarker = sendInTransaction(2, THIRD, 1) + 1;
            servers.kafka().close();
            var corrupt = HandMadeBatch.of(next, ONE, 101, 102, 103).corrupt();
            var strange = HandMadeBatch.of(next + 5, ONE, 104, 105).ofUnknownCodec();
            corrupt.appendTo(partition(0));
            HandMadeBatch.of(next + 3, ONE, 6, 7).appendTo(partition(0));
            strange.appendTo(partition(0));
            HandMadeBatch.of(next + 7, ONE, 8).appendTo(partition(0));
            HandMadeBatch.of(1, OTHER, 2, 3).appendTo(partition(1));
            HandMadeBatch.of(behindMarker, THIRD, 106).ofUnknownCodec().appendTo(partition(2));
            HandMadeBatch.of(behindMarker + 1, THIRD, 2).appendTo(partition(2));
            servers.startKafka();
            for (int i = 0; i < CODECS.size(); i++) send(CODECS.get(i), 0, ONE, 9 + i);
            send("none", 1, OTHER, 4);

            awaitNumbers(device, ONE, IntStream.rangeClosed(1, 13));
            awaitNumbers(device, OTHER, IntStream.rangeClosed(1, 4));
            awaitNumbers(device, THIRD, IntStream.rangeClosed(1, 2));
            await("no lag").until(() -> servers.metric("sluice_downlink_lag") == 0);
            assertThat(unreadable("corrupt")).isEqualTo(3);
            assertThat(unreadable("unknown_codec")).isEqualTo(3);
            assertThat(servers.metric("sluice_downlink_up")).isEqualTo(1);
            assertDeadLetters(next, corrupt, strange);
            assertNamedOnce(next);
        }
    }

    /** Returns the offset of the marker behind it. */
    private long sendInTransaction(int partition, String topic, int number) throws Exception {
        var config =
                Map.<String, Object>of("bootstrap.servers", servers.kafka().bootstrap(), "transactional.id", "backend");
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.initTransactions();
            producer.beginTransaction();
            var key = topic.getBytes(StandardCharsets.US_ASCII);
            var record = new ProducerRecord<>(kafkaTopic, partition, key, HandMadeBatch.Inscription.of(number));
            var sent = producer.send(record);
            producer.commitTransaction();
            return sent.get().offset() + 1;
        }
    }

    private void assertDeadLetters(long next, HandMadeBatch corrupt, HandMadeBatch strange) {
        var all = deadLetters(3);
        assertThat(all).extracting(it -> header(it, "error")).containsOnly("downlink-unreadable");
        var letters =
                all.stream().filter(it -> header(it, "partition").equals("0")).toList();
        assertThat(letters)
                .extracting(it -> header(it, "offset") + " to " + header(it, "last-offset"))
                .containsExactly(next + " to " + (next + 2), next + 5 + " to " + (next + 6));
        assertThat(letters).extracting(ConsumerRecord::value).containsExactly(corrupt.bytes(), strange.bytes());
    }

    private void assertNamedOnce(long next) {
        assertThat(complaints())
                .as("each is named once, and nothing goes round")
                .satisfiesExactlyInAnyOrder(
                        line -> assertThat(line)
                                .contains(kafkaTopic + ", partition 0, offsets " + next, "corrupt", "send them again"),
                        line -> assertThat(line)
                                .contains(
                                        ", partition 0, ", "Unknown compression type id: 7", "gzip, snappy, lz4, zstd"),
                        line -> assertThat(line).contains(", partition 2, ", "Unknown compression type id: 7"));
    }

    /** What the operator has asked for: nothing of the partition is passed over, others go on. */
    @Test
    @Tag("long")
    void aPartitionStandsStillUntilTheRecordsAreGone() throws Exception {
        serve("wait", "-Dsluice.downlink.unreadable=wait");
        try (var audience = new Audience(servers.port())) {
            var device = device(audience);
            var next = send("none", 0, ONE, 1);
            servers.kafka().close();
            HandMadeBatch.of(next, ONE, 2).appendTo(partition(0));
            HandMadeBatch.of(next + 1, ONE, 101, 102).ofUnknownCodec().appendTo(partition(0));
            HandMadeBatch.of(next + 3, ONE, 3).appendTo(partition(0));
            servers.startKafka();
            for (int i = 1; i <= 3; i++) send("none", 1, OTHER, i);

            awaitNumbers(device, ONE, IntStream.rangeClosed(1, 2));
            awaitNumbers(device, OTHER, IntStream.rangeClosed(1, 3));
            await("a standstill").untilAsserted(() -> assertThat(servers.metric("sluice_downlink_up"))
                    .isZero());
            await("a gateway that is ready and says what stands still").untilAsserted(() -> {
                var readiness = Gateway.get(servers.port(), "/q/health/ready"); // Kafka is back for the probe, too
                assertThat(readiness.statusCode()).isEqualTo(200);
                assertThat(readiness.body())
                        .contains("stands still", "partition 0, offsets " + (next + 1) + " to " + (next + 2));
            });
            // It is tried more than once meanwhile, and counted and told once.
            await("tries")
                    .during(Duration.ofSeconds(7))
                    .until(() -> unreadable("unknown_codec") == 2 && servers.metric("sluice_downlink_up") == 0);
            assertThat(complaints()).singleElement().asString().contains("sluice.downlink.unreadable=dead-letter");

            delete(next + 3);
            awaitNumbers(device, ONE, IntStream.rangeClosed(1, 3));
            await("a downlink that works").until(() -> servers.metric("sluice_downlink_up") == 1);
        }
    }

    private void delete(long before) throws Exception {
        var config = Map.<String, Object>of("bootstrap.servers", servers.kafka().bootstrap());
        try (var admin = Admin.create(config)) {
            var partition = new TopicPartition(kafkaTopic, 0);
            admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(before)))
                    .all()
                    .get();
        }
    }

    /** A gateway that cannot load a codec, as where nothing may be executed in the directory for temporary files. */
    @Test
    @Tag("long")
    void aCodecThatCannotBeLoadedHoldsUpNothing() throws Exception {
        serve("codec", "-DZstdTempFolder=/nonexistent");
        try (var audience = new Audience(servers.port())) {
            var device = device(audience);
            send("gzip", 0, ONE, 1);
            send("zstd", 0, ONE, 101);
            send("none", 0, ONE, 2);
            send("zstd", 0, ONE, 102);
            send("lz4", 0, ONE, 3);
            awaitNumbers(device, ONE, IntStream.rangeClosed(1, 3));
            await("both").until(() -> unreadable("codec_unavailable") == 2);
            var kept = MemoryRecords.readableRecords(
                    ByteBuffer.wrap(deadLetters(2).getFirst().value()));
            assertThat(kept.records()).singleElement().satisfies(record -> assertThat(
                            StandardCharsets.US_ASCII.decode(record.value()).toString())
                    .startsWith("101 "));
            assertThat(servers.metric("sluice_downlink_up")).isEqualTo(1);
        }
    }
}

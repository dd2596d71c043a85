package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.dev.EmbeddedPostgresServer;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.dev.Settings;
import dev.sluice.support.Records;
import dev.sluice.tools.KafkaRecords;
import dev.sluice.tools.RecordAudit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What MQTT.js, which closes a connection whose PINGREQ is not answered in time, notices of a Kafka that is frozen for a minute: nothing. On
 * request, since it takes two minutes and has to fetch its libraries: {@code ./sluice it FrozenKafkaIT}.
 */
@Tag("foreign")
class FrozenKafkaIT {
    private static final String KAFKA_TOPIC = "fleet.telemetry";
    private static final Duration FROZEN = Duration.ofSeconds(60);
    private static final int SUBSCRIBERS = 50;
    private static final int PUBLISHERS = 10;

    @TempDir
    private Path data;

    @Test
    void nobodyIsDisconnected() throws Exception {
        var kafkaPort = Ports.free();
        var postgresPort = Ports.free();
        Files.createDirectories(data);
        var options = List.of("-Xmx256m", "-Dsluice.uplink.outage=pause");
        var settings =
                new Settings(Ports.free(), kafkaPort, postgresPort, data, Optional.empty(), Optional.empty(), options);
        try (var kafka = EmbeddedKafka.start(kafkaPort, data);
                var _ = EmbeddedPostgresServer.start(postgresPort, data);
                var gateway = GatewayProcess.start(settings)) {
            gateway.awaitReady();
            try (var crowd = Crowd.start(settings.port(), SUBSCRIBERS, PUBLISHERS)) {
                await("traffic").until(() -> crowd.look().heard() > 100);
                freeze(kafka, crowd);
                var end = crowd.stop();
                System.out.println("frozen: in the end " + end);
                assertThat(end.ends()).as("ends of connections").isEmpty();
                assertThat(end.acknowledged()).isEqualTo(end.published());
                assertKept(settings, end.published());
                await("what subscribers are owed")
                        .until(() -> crowd.look().heard() == end.published() * SUBSCRIBERS / PUBLISHERS);
            }
        }
    }

    private static void freeze(EmbeddedKafka kafka, Crowd crowd) {
        kafka.process().freeze();
        var before = crowd.look();
        await("a minute in which no connection ends")
                .during(FROZEN)
                .atMost(FROZEN.plusSeconds(20))
                .pollInterval(Duration.ofSeconds(1))
                .until(() -> crowd.look().ends(), List::isEmpty);
        var after = crowd.look();
        System.out.println("frozen: before " + before + ", after " + after);
        assertThat(after.published() - after.acknowledged())
                .as("messages that wait for Kafka")
                .isGreaterThan((after.published() - before.published()) / 2);
        kafka.process().thaw();
        await("acknowledgements").until(() -> crowd.look().acknowledged() >= after.published());
    }

    /** Nobody was disconnected, so that each message, of any QoS, is there once and in order. */
    private static void assertKept(Settings settings, int published) {
        var audit = new RecordAudit();
        try (var records = KafkaRecords.fromBeginning(settings.kafka(), KAFKA_TOPIC)) {
            records.readToEnd(audit::add);
        }
        assertThat(audit.findings()).hasSize(PUBLISHERS).allSatisfy((clientId, found) -> {
            assertThat(found.gaps()).as(clientId + ": gaps " + found.notes()).isZero();
            assertThat(found.disorder()).as(clientId + ": disorder").isZero();
            assertThat(found.repeats()).as(clientId + ": repeats").isZero();
        });
        var count = 0;
        for (int i = 0; i < PUBLISHERS; i++) {
            var texts = Records.of(settings.kafka(), KAFKA_TOPIC, "crowd-" + i, 0).stream()
                    .map(Records.Record::text)
                    .toList();
            assertThat(texts)
                    .containsExactlyElementsOf(IntStream.range(0, texts.size())
                            .mapToObj(Integer::toString)
                            .toList());
            count += texts.size();
        }
        assertThat(count).as("messages in Kafka").isEqualTo(published);
    }
}

package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Settings;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.GuardedKafka;
import dev.sluice.support.Records;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged gateway with a Kafka that asks who it is, over TLS, by configuration alone. */
class SecuredKafkaIT {
    /** Long enough that compressing it is worth while. */
    private static final String TEXT = "hello".repeat(2000);

    private static final String COMPRESSION = "-Dmp.messaging.outgoing.uplink.compression.type=";

    @TempDir
    private static Path folder;

    private static GuardedKafka kafka;

    @BeforeAll
    static void start() {
        var late = new NewTopic(Gateway.LATE_TOPIC, 1, (short) 1);
        var topics = Stream.concat(Gateway.TOPICS.stream(), Stream.of(late));
        kafka = GuardedKafka.start(folder, topics.toArray(NewTopic[]::new));
        kafka.allowAll();
    }

    @AfterAll
    static void stop() {
        if (kafka != null) kafka.close();
    }

    private static Settings settings(List<String> options, String bootstrap) {
        // It could not serve together with the shared gateway, whose Kafka is another one.
        var alone = Stream.concat(options.stream(), Stream.of(Gateway.shared().databaseOfItsOwn()));
        return Gateway.shared().settingsOfAnother(alone.toArray(String[]::new)).withKafka(bootstrap);
    }

    /** Each with a codec of its own: how the gateway comes in and how it compresses do not touch each other. */
    @Test
    void writesOverTlsWithAToken() {
        assertWrites(kafka.tokenOptions(), kafka.securedBootstrap(), "snappy");
    }

    @Test
    void writesOverTlsWithACertificate() {
        assertWrites(kafka.certificateOptions(), kafka.certificateBootstrap(), "zstd");
    }

    /** By a password, as with SCRAM. */
    @Tag("long")
    @Test
    void writesOverTlsWithPlain() {
        assertWrites(kafka.plainOptions(), kafka.securedBootstrap(), "gzip");
    }

    private static void assertWrites(List<String> options, String bootstrap, String codec) {
        options.add(COMPRESSION + codec);
        var settings = settings(options, bootstrap);
        try (var gateway = GatewayProcess.start(settings)) {
            gateway.awaitReady();
            assertPublishes(settings.port());
        }
    }

    /**
     * With SCRAM, and the codec that needs no library. Kafka's client gives up for good when it is refused at its start; the gateway does not. Then it may write nothing: Kafka
     * gives its producer no id, which is about the gateway, and not about a message.
     */
    @Test
    void aWrongPasswordAndAMissingRightAreRecoveredFrom() {
        kafka.password("of yesterday");
        kafka.withdrawWrite();
        var options = kafka.options("of today");
        options.add(COMPRESSION + "gzip");
        var settings = settings(options, kafka.securedBootstrap());
        try (var _ = GatewayProcess.start(settings)) {
            assertWrongPasswordIsNamed(settings);
            kafka.password("of today");
            await("readiness")
                    .until(() -> Gateway.get(settings.port(), "/q/health/ready").statusCode() == 200);
            assertThat(log(settings)).anyMatch(line -> line.contains("Kafka answers"));
            assertNoMessageIsRefused(settings);
            assertPublishes(settings.port());
        } finally {
            kafka.allowAll();
        }
    }

    private static void assertWrongPasswordIsNamed(Settings settings) {
        await("a readiness check that names the refusal")
                .ignoreExceptions()
                .until(
                        () -> Gateway.get(settings.port(), "/q/health/ready"),
                        answer -> answer.statusCode() == 503 && answer.body().contains("invalid credentials"));
        var told = log(settings).size();
        // Some probes and many attempts of the producer later.
        await("a quiet log")
                .during(Duration.ofSeconds(5))
                .until(() -> log(settings).size() <= told + 1);
        assertThat(log(settings))
                .filteredOn(line -> line.contains("Kafka does not let the gateway in"))
                .singleElement()
                .satisfies(line ->
                        assertThat(line).contains("ERROR", "invalid credentials", "SCRAM-SHA-512", "kafka.sasl.*"));
        assertThat(log(settings)).noneMatch(line -> line.contains("of today"));
    }

    private static void assertNoMessageIsRefused(Settings settings) {
        var answers = new ArrayList<ReasonCode>();
        answers.add(answer(settings.port()));
        kafka.allowAll();
        await("an acknowledgement").until(() -> {
            answers.add(answer(settings.port()));
            return answers.getLast() == ReasonCode.SUCCESS;
        });
        assertThat(answers).containsOnly(ReasonCode.SERVER_BUSY, ReasonCode.SUCCESS);
        assertThat(log(settings)).anyMatch(line -> line.contains("the Kafka producer cannot go on and is replaced"));
    }

    /** To a message, or the reason of the end of the connection. */
    private static ReasonCode answer(int port) {
        try (var client = WireClient.open(port, ProtocolVersion.V5)) {
            Device.connected(client, Device.connect(ProtocolVersion.V5, Device.id("waits"), true, Properties.NONE));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/x", "hello"));
            return switch (client.receive()) {
                case Packet.PubAck answer -> answer.reason();
                case Packet.Disconnect end -> end.reason();
                case Packet other -> throw new AssertionError("not an answer: " + other);
            };
        }
    }

    /** Here it is not Kafka that refuses, and no client of Kafka can even be made: the start fails, and says so. */
    @Test
    void anOauthServerThatRefusesIsNamed() {
        kafka.tokens().secret("of yesterday");
        var settings = settings(kafka.tokenOptions(), kafka.securedBootstrap());
        try (var gateway = GatewayProcess.start(settings)) {
            await("the end of a gateway without a token")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> gateway.process().awaitEnd(Duration.ofMillis(100)));
            assertThat(log(settings)).anyMatch(line -> line.contains("invalid_client"));
            assertThat(log(settings)).noneMatch(line -> line.contains(GuardedKafka.CLIENT_SECRET));
        } finally {
            kafka.tokens().secret(GuardedKafka.CLIENT_SECRET);
        }
    }

    private static void assertPublishes(int port) {
        var clientId = Device.id("secured");
        try (var client = WireClient.open(port, ProtocolVersion.V5)) {
            Device.connected(client, Device.connect(ProtocolVersion.V5, clientId, true, Properties.NONE));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/x", TEXT));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        assertThat(Records.of(kafka.bootstrap(), "wire.talk", clientId, 1))
                .extracting(Records.Record::text)
                .containsExactly(TEXT);
    }

    private static List<String> log(Settings settings) {
        try {
            return Files.readAllLines(settings.data().resolve("gateway.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

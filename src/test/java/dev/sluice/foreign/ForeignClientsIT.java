package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Settings;
import dev.sluice.foreign.ForeignClient.Identity;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.tools.KafkaRecords;
import dev.sluice.tools.RecordAudit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.ResourceLockTarget;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What client libraries of Python, Go, Rust, JavaScript and Java get from a gateway with default bounds, which is killed within their bursts. On
 * request, since they have to be fetched and built first: {@code ./sluice it ForeignClientsIT}. One after the other, as some kill the gateway of all.
 */
@Tag("foreign")
@ResourceLock(value = "the gateway of ForeignClientsIT", target = ResourceLockTarget.CHILDREN)
class ForeignClientsIT extends ClientScenarios {
    private static final String KAFKA_TOPIC = "wire.telemetry";
    private static final int BURST = 5000;

    private static Settings settings;
    private static GatewayProcess gateway;

    @BeforeAll
    static void start() {
        // The keys of the shared gateway that are smaller than their defaults, as these are.
        settings = Gateway.shared()
                .settingsOfAnother(
                        "-Dsluice.mqtt.maximum-packet-size=1048576",
                        "-Dsluice.mqtt.receive-maximum=1024",
                        "-Dsluice.mqtt.connect-timeout=10s",
                        "-Dmp.messaging.outgoing.uplink.max.request.size=1048576");
        gateway = GatewayProcess.start(settings);
        gateway.awaitReady();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    static Stream<Library> libraries() {
        return Stream.of(ScriptedLibrary.values(), JavaLibrary.values()).flatMap(Stream::of);
    }

    @Override
    int port() {
        return settings.port();
    }

    @Override
    int large() {
        return 200_000;
    }

    @Test
    void allStayConnectedWhileTheyAreIdleForTwoMinutes() throws Exception {
        var clients = new ArrayList<ForeignClient>();
        for (var library : libraries().toList()) {
            var client = online(library, library.toString());
            client.subscribe(topic, 1);
            clients.add(client);
        }
        var before = disconnects();
        Awaitility.await("two minutes in which no connection ends")
                .during(Duration.ofMinutes(2))
                .atMost(Duration.ofMinutes(3))
                .pollInterval(Duration.ofSeconds(1))
                .failFast(() -> assertThat(disconnects()).isEqualTo(before))
                .until(() -> true);
        clients.getFirst().publish(topic, "still here", 1, false);
        for (var client : clients) assertThat(next(client).payload()).isEqualTo("still here");
    }

    private static List<String> disconnects() {
        return Gateway.get(settings.port(), "/q/metrics")
                .body()
                .lines()
                .filter(it -> it.startsWith("sluice_disconnects"))
                .toList();
    }

    /** Without Paho's Java client of MQTT 5, which sends again with Topic Aliases that the new connection does not know. */
    static Stream<Library> burstLibraries() {
        return libraries().filter(library -> library != JavaLibrary.PAHO_5);
    }

    @ParameterizedTest
    @MethodSource("burstLibraries")
    void aBurstSurvivesKillsOfTheGatewayAtQoS1(Library library) throws Exception {
        burst(library, 1);
    }

    @ParameterizedTest
    @MethodSource("burstLibraries")
    void aBurstSurvivesKillsOfTheGatewayAtQoS2(Library library) throws Exception {
        burst(library, 2);
    }

    private void burst(Library library, int qos) throws Exception {
        var publisher = client(library, new Identity(settings.port(), id + "burst", true, null));
        publisher.connect();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var acknowledged = threads.submit(() -> publisher.burst(topic, BURST, qos));
            Awaitility.await("the burst under way")
                    .until(() -> !Records.of(settings.kafka(), KAFKA_TOPIC, id + "burst", 0)
                            .isEmpty());
            gateway.process().kill();
            gateway = GatewayProcess.start(settings);
            gateway.awaitReady();
            assertThat(acknowledged.get()).as("acknowledged in the end").isEqualTo(BURST);
        }
        // paho.mqtt.golang says "acknowledged" of what it only sends again after a reconnect.
        Awaitility.await("acknowledged, and in Kafka").until(() -> payloads() == BURST);
        assertAuditIsClean();
    }

    private long payloads() {
        return Records.of(settings.kafka(), KAFKA_TOPIC, id + "burst", BURST).stream()
                .map(Records.Record::text)
                .distinct()
                .count();
    }

    private void assertAuditIsClean() {
        var audit = new RecordAudit();
        try (var records = KafkaRecords.fromBeginning(settings.kafka(), KAFKA_TOPIC)) {
            records.readToEnd(audit::add);
        }
        var found = audit.findings().get(id + "burst");
        assertThat(found.gaps()).as("gaps %s", found.notes()).isZero();
        assertThat(found.disorder()).as("disorder").isZero();
    }
}

package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Settings;
import dev.sluice.foreign.ForeignClient.Heard;
import dev.sluice.foreign.ForeignClient.Identity;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.tools.KafkaRecords;
import dev.sluice.tools.RecordAudit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What client libraries of Python, Go, Rust and JavaScript get from a gateway with default bounds, which is killed within their bursts. On
 * request, since they have to be fetched and built first: {@code ./sluice it ForeignClientsIT}.
 */
@Tag("foreign")
class ForeignClientsIT {
    private static final String KAFKA_TOPIC = "wire.telemetry";
    private static final int BURST = 5000;
    private static final int QUEUED = 50;

    private static Settings settings;
    private static GatewayProcess gateway;

    private final String id = "foreign-" + UUID.randomUUID().toString().substring(0, 8);
    private final String topic = "fleet/" + id + "/telemetry";
    private final List<ForeignClient> open = new ArrayList<>();

    @BeforeAll
    static void start() {
        // The keys of the shared gateway that are smaller than their defaults, as these are.
        settings = Gateway.shared()
                .settingsOfAnother(
                        "-Dsluice.mqtt.maximum-packet-size=1048576",
                        "-Dsluice.mqtt.receive-maximum=1024",
                        "-Dsluice.mqtt.connect-timeout=10s",
                        "-Dsluice.mqtt.ping-interval=30s",
                        "-Dmp.messaging.outgoing.uplink.max.request.size=1048576");
        gateway = GatewayProcess.start(settings);
        gateway.awaitReady();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    @AfterEach
    void close() {
        for (var client : open) client.close();
    }

    private ScriptedClient client(ScriptedLibrary library, Identity identity) throws Exception {
        var client = library.client(identity);
        open.add(client);
        return client;
    }

    private ScriptedClient online(ScriptedLibrary library, String name) throws Exception {
        var client = client(library, new Identity(settings.port(), id + name, false, null));
        assertThat(client.connect()).isFalse();
        return client;
    }

    private static Heard next(ForeignClient client) throws InterruptedException {
        var heard = client.heard().poll(ForeignClient.PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertThat(heard).as("a message").isNotNull();
        return heard;
    }

    @ParameterizedTest
    @EnumSource
    void everyQoSAndSize(ScriptedLibrary library) throws Exception {
        var client = online(library, "a");
        client.subscribe(topic + "/+", 2);
        for (int qos = 0; qos <= 2; qos++) {
            for (int size : List.of(0, 20, 200_000)) {
                var message = new Heard(topic + "/" + size, "x".repeat(size), qos, false);
                client.publish(message.topic(), message.payload(), qos, false);
                assertThat(next(client)).isEqualTo(message);
            }
        }
        client.unsubscribe(topic + "/+");
        client.disconnect();
    }

    @ParameterizedTest
    @EnumSource
    void aNewSubscriptionGetsWhatIsRetained(ScriptedLibrary library) throws Exception {
        var publisher = online(library, "a");
        publisher.publish(topic + "/kept", "old", 1, true);
        publisher.publish(topic + "/kept", "new", 2, true);
        var client = online(library, "b");
        client.subscribe(topic + "/#", 2);
        assertThat(next(client)).isEqualTo(new Heard(topic + "/kept", "new", 2, true));
        publisher.publish(topic + "/kept", "", 1, true);
        assertThat(next(client)).isEqualTo(new Heard(topic + "/kept", "", 1, false));
    }

    @ParameterizedTest
    @EnumSource
    void theWillOfAClientThatIsCutOffIsPublished(ScriptedLibrary library) throws Exception {
        var watcher = online(library, "a");
        watcher.subscribe(topic + "/will", 1);
        var polite = client(library, new Identity(settings.port(), id + "polite", false, topic + "/will"));
        polite.connect();
        polite.disconnect();
        var mortal = client(library, new Identity(settings.port(), id + "cut", false, topic + "/will"));
        mortal.connect();
        mortal.close();
        assertThat(next(watcher)).isEqualTo(new Heard(topic + "/will", id + "cut", 1, false));
    }

    @ParameterizedTest
    @EnumSource
    void whoWasAwayGetsWhatWasQueuedAndTakesItsSessionOver(ScriptedLibrary library) throws Exception {
        var persistent = new Identity(settings.port(), id + "kept", true, null);
        var before = client(library, persistent);
        assertThat(before.connect()).isFalse();
        before.subscribe(topic + "/queue/+", 2);
        before.disconnect();
        before.close();
        var publisher = online(library, "a");
        for (int i = 0; i < QUEUED; i++) publisher.publish(topic + "/queue/x", "m" + i, 1 + i % 2, false);
        var after = client(library, persistent);
        assertThat(after.connect()).isTrue();
        var heard = new ArrayList<Heard>();
        while (heard.size() < QUEUED) heard.add(next(after));
        for (int qos : List.of(1, 2)) {
            var expected = IntStream.range(0, QUEUED)
                    .filter(number -> 1 + number % 2 == qos)
                    .mapToObj(number -> "m" + number);
            assertThat(heard.stream().filter(message -> message.qos() == qos).map(Heard::payload))
                    .containsExactlyElementsOf(expected.toList());
        }
        var heir = client(library, persistent);
        assertThat(heir.connect()).isTrue();
        after.close();
        publisher.publish(topic + "/queue/x", "to the heir", 1, false);
        assertThat(next(heir)).isEqualTo(new Heard(topic + "/queue/x", "to the heir", 1, false));
    }

    @ParameterizedTest
    @EnumSource
    void eachMessageGoesToOneMemberOfASharedSubscription(ScriptedLibrary library) throws Exception {
        if (!library.isVersion5()) return; // MQTT 3 does not know them
        var members = List.of(online(library, "a"), online(library, "b"));
        for (var member : members) {
            member.subscribe("$share/group/" + topic + "/shared/+", 1);
            member.subscribe(topic + "/end", 1);
        }
        var publisher = online(library, "c");
        var payloads = IntStream.range(0, 20).mapToObj(number -> "m" + number).toList();
        for (var payload : payloads) publisher.publish(topic + "/shared/x", payload, 1, false);
        publisher.publish(topic + "/end", "", 1, false);
        var heard = new ArrayList<String>();
        for (var member : members)
            for (var message = next(member); !message.topic().equals(topic + "/end"); message = next(member))
                heard.add(message.payload());
        assertThat(heard).containsExactlyInAnyOrderElementsOf(payloads);
    }

    @Test
    void allStayConnectedWhileTheyAreIdleForTwoMinutes() throws Exception {
        var clients = new ArrayList<ScriptedClient>();
        for (var library : ScriptedLibrary.values()) {
            var client = online(library, library.name());
            client.subscribe(topic, 1);
            clients.add(client);
        }
        var ends = disconnects();
        Awaitility.await("nothing that happens")
                .during(Duration.ofMinutes(2))
                .atMost(Duration.ofMinutes(3))
                .until(() -> disconnects().equals(ends));
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

    @ParameterizedTest
    @EnumSource
    void aBurstSurvivesKillsOfTheGatewayAtQoS1(ScriptedLibrary library) throws Exception {
        burst(library, 1);
    }

    @ParameterizedTest
    @EnumSource
    void aBurstSurvivesKillsOfTheGatewayAtQoS2(ScriptedLibrary library) throws Exception {
        burst(library, 2);
    }

    private void burst(ScriptedLibrary library, int qos) throws Exception {
        var publisher = client(library, new Identity(settings.port(), id + "burst", true, null));
        publisher.connect();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var acknowledged = threads.submit(() -> publisher.burst(topic, BURST, qos));
            Awaitility.await("the burst under way")
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> !Records.of(settings.kafka(), KAFKA_TOPIC, id + "burst", 0)
                            .isEmpty());
            gateway.process().kill();
            gateway = GatewayProcess.start(settings);
            gateway.awaitReady();
            assertThat(acknowledged.get()).as("acknowledged in the end").isEqualTo(BURST);
        }
        var payloads = Records.of(settings.kafka(), KAFKA_TOPIC, id + "burst", BURST).stream()
                .map(Records.Record::text)
                .collect(Collectors.toSet());
        assertThat(payloads).as("acknowledged, and in Kafka").hasSize(BURST);
        assertAuditIsClean();
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

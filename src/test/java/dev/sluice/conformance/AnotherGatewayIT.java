package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import dev.sluice.support.Spec;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.WireClient;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What takes a gateway unlike the shared one: without any Kafka, allowing no topic aliases, and impatient. */
class AnotherGatewayIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    static int port;
    private static GatewayProcess gateway;

    @BeforeAll
    static void start() {
        var settings = Gateway.shared()
                .settingsOfAnother(
                        "-Dsluice.mqtt.topic-alias-maximum=0",
                        "-Dsluice.uplink.deadline=3s",
                        "-Dsluice.uplink.qos0-when-congested=drop",
                        "-Dsluice.uplink.bytes-in-flight=1",
                        "-Dsluice.mqtt.send-timeout=2s",
                        "-Dvertx.disableWebsockets=true",
                        Gateway.shared().databaseOfItsOwn())
                .withKafka("127.0.0.1:" + Ports.free());
        port = settings.port();
        gateway = GatewayProcess.start(settings);
        gateway.awaitLive();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    @Nested
    class QosFloor extends QosFloorCases {}

    private static WireClient online(ProtocolVersion version) {
        var client = WireClient.open(port, version);
        Device.connected(client, Device.connect(version, Device.id("another"), true, Properties.NONE));
        return client;
    }

    @Spec("MQTT-3.2.2-18")
    @Test
    void noAliasIsTakenWhereNoneIsAllowed() {
        try (var client = online(V5)) {
            var alias = Properties.NONE.with(Property.TOPIC_ALIAS, 1);
            client.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/x", new byte[0], alias));
            Device.assertEnded(client, V5, ReasonCode.TOPIC_ALIAS_INVALID);
        }
    }

    @Test
    void noExtensionIsAgreedToWhereVertxHasNoWebSockets() {
        ExtensionsIT.assertNoneIsAgreedTo(port);
    }

    /** An outage is not an answer: the client is to send again, on another connection. */
    @Spec(v311 = "MQTT-4.8.0-2")
    @ParameterizedTest
    @EnumSource
    void aMessageThatCannotBeTakenEndsItsConnection(ProtocolVersion version) {
        try (var client = online(version)) {
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/x", "x"));
            Device.assertEnded(client, version, ReasonCode.SERVER_BUSY);
        }
    }

    /** A client that never reads is not read either: nobody would find out by its Keep Alive that it is dead. */
    @Test
    void aClientThatTakesNothingIsCut() throws Exception {
        var before = timeouts();
        try (var client = online(V5)) {
            flood(client).get(40, TimeUnit.SECONDS);
            await().until(() -> timeouts() == before + 1);
        }
    }

    /** One that reads slowly, but does, is not dead, though as much waits for it all the time. */
    @Test
    void aClientThatTakesLittleIsNotCut() throws Exception {
        Stopwatch.inTime(AnotherGatewayIT::takesLittleAndGoesOn);
    }

    private static void takesLittleAndGoesOn() throws Exception {
        var before = timeouts();
        CompletableFuture<Void> flood;
        try (var client = online(V5)) {
            flood = flood(client);
            var in = client.socket().getInputStream();
            var rounds = new AtomicInteger();
            await().pollInterval(Duration.ofMillis(250))
                    .until(() -> in.readNBytes(200_000).length == 200_000 && rounds.incrementAndGet() == 20);
            assertThat(flood).isNotDone();
            assertThat(timeouts()).isEqualTo(before);
        }
        flood.get(10, TimeUnit.SECONDS);
    }

    /** Asks for answers for as long as the gateway reads, from another thread. */
    private static CompletableFuture<Void> flood(WireClient client) {
        var pings = new Packet[2000];
        Arrays.fill(pings, new Packet.PingReq());
        var frame = Frames.binary(client.bytes(pings));
        return CompletableFuture.runAsync(() -> client.sendWhileOpen(frame, Integer.MAX_VALUE));
    }

    private static double timeouts() {
        return Gateway.get(port, "/q/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith("sluice_disconnects_total") && line.contains("keep_alive_timeout"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}

package dev.sluice.conformance;

import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Spec;
import dev.sluice.support.WireClient;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What takes a gateway unlike the shared one: without any Kafka, and allowing no topic aliases. */
class AnotherGatewayIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private static GatewayProcess gateway;
    private static int port;

    @BeforeAll
    static void start() {
        var settings = Gateway.shared()
                .settingsOfAnother("-Dsluice.mqtt.topic-alias-maximum=0", "-Dsluice.uplink.deadline=2s")
                .withKafka("127.0.0.1:" + Ports.free());
        port = settings.port();
        gateway = GatewayProcess.start(settings);
        await().ignoreExceptions()
                .until(() -> Gateway.get(port, "/q/health/live").statusCode() == 200);
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

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
}

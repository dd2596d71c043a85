package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ConnectIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private final String clientId = Device.id("connect");

    private static Packet.ConnAck answer(Packet.Connect connect) {
        try (var client = Device.socket(connect.version())) {
            return client.connect(connect).receive(Packet.ConnAck.class);
        }
    }

    private static Packet.Connect connect(ProtocolVersion version, String id, boolean clean, int keepAlive) {
        return new Packet.Connect(version, clean, keepAlive, id, null, null, null, Properties.NONE);
    }

    @ParameterizedTest
    @EnumSource
    void everyVersionIsAccepted(ProtocolVersion version) {
        var accepted = answer(connect(version, clientId, true, 60));
        assertThat(accepted.reason()).isEqualTo(ReasonCode.SUCCESS);
        assertThat(accepted.sessionPresent()).isFalse();
    }

    @Test
    void theConnAckTellsWhatIsGranted() {
        var asked = Properties.NONE
                .with(Property.SESSION_EXPIRY_INTERVAL, 0xFFFFFFFFL)
                .with(Property.REQUEST_RESPONSE_INFORMATION, 1);
        var connect = new Packet.Connect(V5, true, 0, "", null, null, null, asked);
        var granted = answer(connect).properties();
        assertThat(granted.text(Property.ASSIGNED_CLIENT_IDENTIFIER)).isNotEmpty();
        assertThat(granted.without(Property.ASSIGNED_CLIENT_IDENTIFIER))
                .isEqualTo(Properties.NONE
                        .with(Property.SESSION_EXPIRY_INTERVAL, 3600)
                        .with(Property.RECEIVE_MAXIMUM, 20)
                        .with(Property.MAXIMUM_PACKET_SIZE, 65536)
                        .with(Property.TOPIC_ALIAS_MAXIMUM, 5)
                        .with(Property.SERVER_KEEP_ALIVE, 600)
                        .with(Property.RESPONSE_INFORMATION, "responses/"));
    }

    @ParameterizedTest
    @CsvSource({
        "V3_1,true,CLIENT_IDENTIFIER_NOT_VALID",
        "V3_1_1,true,SUCCESS",
        "V3_1_1,false,CLIENT_IDENTIFIER_NOT_VALID",
        "V5,true,SUCCESS",
        "V5,false,SUCCESS"
    })
    void anEmptyClientIdentifierIsForCleanSessions(ProtocolVersion version, boolean clean, ReasonCode expected) {
        assertThat(answer(connect(version, "", clean, 60)).reason()).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource
    void aRefusedConnectIsToldAndClosed(ProtocolVersion version) {
        try (var client = Device.socket(version)) {
            var refused =
                    client.connect(connect(version, "x".repeat(65), true, 60)).receive(Packet.ConnAck.class);
            assertThat(refused.reason()).isEqualTo(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
            client.closeStatus();
        }
    }

    @Test
    void anAuthenticationMethodIsRefused() {
        var asked = Properties.NONE.with(Property.AUTHENTICATION_METHOD, "SCRAM-SHA-1");
        assertThat(answer(Device.connect(V5, clientId, true, asked)).reason())
                .isEqualTo(ReasonCode.BAD_AUTHENTICATION_METHOD);
    }

    /** [MQTT-3.1.0-1] */
    @ParameterizedTest
    @CsvSource({"C0 00", "E0 00", "30 03 00 01 74", "82 06 00 01 00 01 74 00", "F0 00", "20 02 00 00"})
    void aFirstPacketOtherThanConnectIsClosed(String packet) {
        try (var client = Device.socket(V5)) {
            client.send(Frames.binary(java.util.HexFormat.of().parseHex(packet.replace(" ", ""))));
            assertThat(client.closeStatus()).isEqualTo(1002);
        }
    }

    /** [MQTT-3.1.0-2] */
    @ParameterizedTest
    @EnumSource
    void aSecondConnectIsAProtocolError(ProtocolVersion version) {
        try (var client = Device.online(version, clientId)) {
            client.connect(connect(version, clientId, true, 60));
            Device.assertEnded(client, version, ReasonCode.PROTOCOL_ERROR);
        }
    }

    /** What follows CONNECT at once is read after CONNACK. */
    @Test
    void packetsMayFollowConnectWithoutWaiting() {
        try (var client = Device.socket(V5)) {
            client.sendPackets(
                    connect(V5, clientId, true, 60),
                    Device.publish(QoS.AT_LEAST_ONCE, 1, "fleet/a/telemetry", "early"),
                    new Packet.PingReq());
            client.receive(Packet.ConnAck.class);
            var second = client.receive();
            var third = client.receive();
            assertThat(second.getClass()).isNotEqualTo(third.getClass());
        }
    }

    /** [MQTT-3.1.2-22] */
    @ParameterizedTest
    @EnumSource
    void silenceForOneAndAHalfKeepAlivesEndsTheConnection(ProtocolVersion version) {
        try (var client = Device.socket(version)) {
            client.connect(connect(version, clientId, true, 1)).receive(Packet.ConnAck.class);
            var online = System.nanoTime();
            if (version.isV5())
                assertThat(client.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.KEEP_ALIVE_TIMEOUT);
            client.closeStatus();
            assertThat(Duration.ofNanos(System.nanoTime() - online))
                    .isBetween(Duration.ofMillis(1400), Duration.ofSeconds(5));
        }
    }

    @Test
    void pingKeepsAlive() {
        try (var client = Device.socket(V5)) {
            client.connect(connect(V5, clientId, true, 2)).receive(Packet.ConnAck.class);
            await().during(Duration.ofSeconds(4))
                    .pollInterval(Duration.ofMillis(500))
                    .until(() -> client.sendPackets(new Packet.PingReq()).receive() instanceof Packet.PingResp);
            client.sendPackets(Device.goodbye());
            assertThat(client.closeStatus()).isEqualTo(1000);
        }
    }

    @Test
    void subscriptionsAreAnsweredAsNotServed() {
        try (var client = Device.online(V5, clientId)) {
            client.send(Frames.binary(new byte[] {(byte) 0x82, 7, 0, 9, 0, 0, 1, 't', 1}));
            assertThat(client.receive(Packet.SubAck.class).reasons())
                    .containsExactly(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR);
        }
        assertThat(Gateway.shared().get("/q/health/live").statusCode()).isEqualTo(200);
    }
}

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
import dev.sluice.support.Spec;
import dev.sluice.support.Stopwatch;
import java.time.Duration;
import java.util.List;
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

    @Spec(
            value = {"MQTT-3.1.4-5", "MQTT-4.2-1", "MQTT-4.2.0-1"},
            v311 = {"MQTT-3.1.4-4", "MQTT-3.2.0-1", "MQTT-7.0.0-2", "MQTT-7.1.1-1"})
    @ParameterizedTest
    @EnumSource
    void everyVersionIsAccepted(ProtocolVersion version) {
        var accepted = answer(connect(version, clientId, true, 60));
        assertThat(accepted.reason()).isEqualTo(ReasonCode.SUCCESS);
        assertThat(accepted.sessionPresent()).isFalse();
    }

    /** Reserved bits are 0, and no properties take the byte of their length. */
    @Spec("MQTT-3.2.2-1")
    @Test
    void theConnAckIsWrittenAsTheVersionSays() {
        for (var version : ProtocolVersion.values()) {
            try (var client = Device.socket(version)) {
                var bytes = client.connect(connect(version, clientId, true, 60)).receiveBytes();
                assertThat(bytes).startsWith(0x20, bytes.length - 2, 0, 0);
                if (version.isV5()) assertThat(bytes[4]).isEqualTo((byte) (bytes.length - 5));
                else assertThat(bytes).hasSize(4);
            }
        }
    }

    @Spec({"MQTT-3.1.3-6", "MQTT-3.1.3-7"})
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

    @Spec(value = "MQTT-3.2.2-16", v311 = "MQTT-3.1.3-6")
    @ParameterizedTest
    @EnumSource(names = {"V3_1_1", "V5"})
    void clientsWithoutAnIdentifierAreStrangersToEachOther(ProtocolVersion version) {
        try (var one = Device.socket(version);
                var other = Device.socket(version)) {
            var first = one.connect(connect(version, "", true, 60)).receive(Packet.ConnAck.class);
            var second = other.connect(connect(version, "", true, 60)).receive(Packet.ConnAck.class);
            if (version.isV5())
                assertThat(first.properties().text(Property.ASSIGNED_CLIENT_IDENTIFIER))
                        .isNotEqualTo(second.properties().text(Property.ASSIGNED_CLIENT_IDENTIFIER));
            one.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
            other.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        }
    }

    @Spec(value = "MQTT-3.1.3-5", v311 = "MQTT-3.1.3-5")
    @ParameterizedTest
    @EnumSource
    void everyPlainIdentifierOfUpTo23BytesIsAccepted(ProtocolVersion version) {
        for (var id : List.of("0", "0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHIJ", "KLMNOPQRSTUVWXYZ"))
            assertThat(answer(connect(version, id, true, 60)).reason()).isEqualTo(ReasonCode.SUCCESS);
    }

    @Spec(v311 = {"MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT-3.1.3-8"})
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

    @Spec(
            value = {
                "MQTT-3.1.3-8",
                "MQTT-3.1.4-2",
                "MQTT-3.1.4-6",
                "MQTT-3.2.2-6",
                "MQTT-3.2.2-7",
                "MQTT-3.2.2-8",
                "MQTT-4.13.2-1"
            },
            v311 = {"MQTT-3.1.3-9", "MQTT-3.1.4-5", "MQTT-3.2.2-4", "MQTT-3.2.2-5"})
    @ParameterizedTest
    @EnumSource
    void aRefusedConnectIsToldAndClosed(ProtocolVersion version) {
        try (var client = Device.socket(version)) {
            var refused = client.sendPackets(connect(version, "x".repeat(65), true, 60), new Packet.PingReq())
                    .receive(Packet.ConnAck.class);
            assertThat(refused.reason()).isEqualTo(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
            assertThat(refused.sessionPresent()).isFalse();
            client.closeStatus();
        }
    }

    @Spec("MQTT-4.12.0-1")
    @Test
    void anAuthenticationMethodIsRefused() {
        var asked = Properties.NONE.with(Property.AUTHENTICATION_METHOD, "SCRAM-SHA-1");
        try (var client = Device.socket(V5)) {
            var refused =
                    client.connect(Device.connect(V5, clientId, true, asked)).receive(Packet.ConnAck.class);
            assertThat(refused.reason()).isEqualTo(ReasonCode.BAD_AUTHENTICATION_METHOD);
            assertThat(client.closeStatus()).isNotEqualTo(1000);
        }
    }

    @Spec("MQTT-4.12.0-6")
    @Test
    void whoNamesNoAuthenticationMethodIsToldNone() {
        var accepted = answer(Device.connect(V5, clientId, true, Properties.NONE));
        assertThat(accepted.reason()).isEqualTo(ReasonCode.SUCCESS);
        assertThat(accepted.properties().has(Property.AUTHENTICATION_METHOD)).isFalse();
    }

    @Spec("MQTT-4.12.0-7")
    @Test
    void authWithoutAMethodIsAProtocolError() {
        var method = Properties.NONE.with(Property.AUTHENTICATION_METHOD, "SCRAM-SHA-1");
        try (var client = Device.online(V5, clientId)) {
            client.sendPackets(new Packet.Auth(ReasonCode.RE_AUTHENTICATE, method));
            Device.assertEnded(client, V5, ReasonCode.PROTOCOL_ERROR);
        }
    }

    @Spec(
            value = {"MQTT-3.1.0-1", "MQTT-3.2.0-1", "MQTT-3.14.0-1"},
            v311 = {"MQTT-3.1.0-1", "MQTT-3.2.0-1"})
    @ParameterizedTest
    @CsvSource({"C0 00", "E0 00", "30 03 00 01 74", "82 06 00 01 00 01 74 00", "F0 00", "20 02 00 00"})
    void aFirstPacketOtherThanConnectIsClosed(String packet) {
        try (var client = Device.socket(V5)) {
            client.send(Frames.binary(java.util.HexFormat.of().parseHex(packet.replace(" ", ""))));
            assertThat(client.closeStatus()).isEqualTo(1002);
        }
    }

    @Spec(
            value = {"MQTT-3.1.0-2", "MQTT-3.2.0-2", "MQTT-3.14.4-2"},
            v311 = "MQTT-3.1.0-2")
    @ParameterizedTest
    @EnumSource
    void aSecondConnectIsAProtocolError(ProtocolVersion version) {
        try (var client = Device.online(version, clientId)) {
            client.connect(connect(version, clientId, true, 60));
            Device.assertEnded(client, version, ReasonCode.PROTOCOL_ERROR);
        }
    }

    /** What follows CONNECT at once is read after CONNACK. */
    @Spec(value = "MQTT-3.2.0-1", v311 = "MQTT-3.2.0-1")
    @ParameterizedTest
    @EnumSource
    void packetsMayFollowConnectWithoutWaiting(ProtocolVersion version) {
        try (var client = Device.socket(version)) {
            client.sendPackets(
                    connect(version, clientId, true, 60),
                    Device.publish(QoS.AT_LEAST_ONCE, 1, "fleet/a/telemetry", "early"),
                    new Packet.PingReq());
            client.receive(Packet.ConnAck.class);
            var second = client.receive();
            var third = client.receive();
            assertThat(second.getClass()).isNotEqualTo(third.getClass());
        }
    }

    /** What the server sends last is DISCONNECT, without an answer to what came behind the fault. */
    @Spec({"MQTT-3.14.2-1", "MQTT-3.14.2-2", "MQTT-3.14.4-1"})
    @Test
    void nothingFollowsADisconnect() {
        try (var client = Device.online(V5, clientId)) {
            client.sendPackets(new Packet.PingResp(), new Packet.PingReq());
            var disconnect = client.receive(Packet.Disconnect.class);
            assertThat(disconnect.reason()).isEqualTo(ReasonCode.PROTOCOL_ERROR);
            assertThat(disconnect.properties().has(Property.SESSION_EXPIRY_INTERVAL))
                    .isFalse();
            client.closeStatus();
        }
    }

    /** Where no Server Keep Alive is told, that of CONNECT holds. */
    @Spec(
            value = {"MQTT-3.1.2-22", "MQTT-3.2.2-22"},
            v311 = "MQTT-3.1.2-24")
    @ParameterizedTest
    @EnumSource
    void silenceForOneAndAHalfKeepAlivesEndsTheConnection(ProtocolVersion version) {
        try (var client = Device.socket(version)) {
            var online = Stopwatch.start();
            var accepted = client.connect(connect(version, clientId, true, 1)).receive(Packet.ConnAck.class);
            assertThat(accepted.properties().has(Property.SERVER_KEEP_ALIVE)).isFalse();
            if (version.isV5())
                assertThat(client.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.KEEP_ALIVE_TIMEOUT);
            client.closeStatus();
            online.assertBetween(Duration.ofMillis(1400), Duration.ofSeconds(5));
        }
    }

    @Spec(value = "MQTT-3.12.4-1", v311 = "MQTT-3.12.4-1")
    @ParameterizedTest
    @EnumSource
    void pingKeepsAlive(ProtocolVersion version) throws Exception {
        Stopwatch.inTime(() -> pingsAndGoesOn(version));
    }

    private void pingsAndGoesOn(ProtocolVersion version) {
        try (var client = Device.socket(version)) {
            client.connect(connect(version, clientId, true, 2)).receive(Packet.ConnAck.class);
            await().during(Duration.ofSeconds(4))
                    .pollInterval(Duration.ofMillis(500))
                    .until(() -> client.sendPackets(new Packet.PingReq()).receive() instanceof Packet.PingResp);
            client.sendPackets(Device.goodbye());
            assertThat(client.closeStatus()).isEqualTo(1000);
        }
    }
}

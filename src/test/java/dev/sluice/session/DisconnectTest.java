package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class DisconnectTest {
    private static Packet.Disconnect bye(long expiry) {
        var properties = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, expiry);
        return new Packet.Disconnect(ReasonCode.SUCCESS, properties);
    }

    private static Effect endSession(long expiry) {
        return new Effect.EndSession(expiry, ReasonCode.SUCCESS, 0, false);
    }

    @Test
    void aDisconnectEndsTheConnectionAndKeepsTheExpiry() {
        assertThat(SessionRig.durable(ProtocolVersion.V5)
                        .receives(new Packet.Disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE, Properties.NONE)))
                .containsExactly(
                        new Effect.EndSession(60, ReasonCode.DISCONNECT_WITH_WILL_MESSAGE, 0, true),
                        new Effect.Finish(true),
                        new Effect.Close(ReasonCode.SUCCESS, "the client disconnected"));
    }

    /** [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.14.4-3] */
    @ParameterizedTest
    @EnumSource
    void onlyADisconnectWithoutErrorWithdrawsTheWill(ProtocolVersion version) {
        assertThat(publishesWill(
                        version, new Event.Received(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE))))
                .isFalse();
        assertThat(publishesWill(version, new Event.TransportClosed())).isTrue();
        assertThat(publishesWill(version, new Event.Ended(ReasonCode.KEEP_ALIVE_TIMEOUT, "silent")))
                .isTrue();
        assertThat(publishesWill(version, new Event.Received(new Packet.PingResp())))
                .isTrue();
        for (var reason : List.of(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE, ReasonCode.UNSPECIFIED_ERROR))
            assertThat(publishesWill(
                            ProtocolVersion.V5, new Event.Received(new Packet.Disconnect(reason, Properties.NONE))))
                    .isTrue();
    }

    private static boolean publishesWill(ProtocolVersion version, Event end) {
        return SessionRig.durable(version).on(end).stream()
                .filter(Effect.EndSession.class::isInstance)
                .map(Effect.EndSession.class::cast)
                .findFirst()
                .orElseThrow()
                .publishWill();
    }

    @Test
    void aDisconnectMayChangeTheExpiry() {
        assertThat(SessionRig.durable(ProtocolVersion.V5).receives(bye(0))).contains(endSession(0));
        assertThat(SessionRig.durable(ProtocolVersion.V5).receives(bye(90))).contains(endSession(90));
        assertThat(SessionRig.durable(ProtocolVersion.V5).receives(bye(0xFFFFFFFFL)))
                .contains(endSession(SessionRig.EXPIRY_MAXIMUM));
    }

    /** [MQTT-3.14.2-2] */
    @Test
    void aDisconnectCannotGiveAnExpiryToASessionWithout() {
        assertThat(SessionRig.ends(SessionRig.online(ProtocolVersion.V5).receives(bye(10))))
                .containsExactly(ReasonCode.PROTOCOL_ERROR, ReasonCode.PROTOCOL_ERROR);
        assertThat(SessionRig.online(ProtocolVersion.V5).receives(bye(0))).contains(endSession(0));
    }

    @Test
    void aTakenOverSessionIsToldAndNotEnded() {
        var effects = SessionRig.durable(ProtocolVersion.V5)
                .on(new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "another connection"));
        assertThat(effects)
                .containsExactly(
                        SessionRig.send(new Packet.Disconnect(
                                ReasonCode.SESSION_TAKEN_OVER, SessionRig.reason("another connection"))),
                        new Effect.Close(ReasonCode.SESSION_TAKEN_OVER, "another connection"));
    }

    @ParameterizedTest
    @EnumSource
    void aDrainedClientIsToldWhereItsVersionCan(ProtocolVersion version) {
        var reason = ReasonCode.SERVER_SHUTTING_DOWN;
        var ends = SessionRig.ends(SessionRig.online(version).on(new Event.Ended(reason, "shuts down")));
        assertThat(ends).isEqualTo(version.isV5() ? List.of(reason, reason) : List.of(reason));
    }

    /** [MQTT-3.2.2-8] */
    @ParameterizedTest
    @EnumSource
    void aDrainWhileTheSessionOpensIsToldInAConnAck(ProtocolVersion version) {
        var rig = new SessionRig(version);
        rig.connects(rig.connect("c1", true));
        assertThat(SessionRig.ends(rig.on(new Event.Ended(ReasonCode.SERVER_SHUTTING_DOWN, "shuts down"))))
                .containsExactly(ReasonCode.SERVER_UNAVAILABLE, ReasonCode.SERVER_SHUTTING_DOWN);
    }

    /** [MQTT-3.14.2-1] */
    @Test
    void aSecondConnectOfAnotherVersionIsAProtocolError() {
        var fault = new MqttFault(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "level 6");
        var rig = SessionRig.online(ProtocolVersion.V5);
        assertThat(SessionRig.ends(rig.on(new Event.Faulted(fault, null))).getFirst())
                .isEqualTo(ReasonCode.PROTOCOL_ERROR);
    }

    @Test
    void aLostSocketKeepsTheSessionForItsExpiry() {
        assertThat(SessionRig.durable(ProtocolVersion.V5).on(new Event.TransportClosed()))
                .containsExactly(new Effect.EndSession(60, ReasonCode.UNSPECIFIED_ERROR, 0, true));
    }

    @ParameterizedTest
    @EnumSource
    void aFaultIsToldWhereTheVersionCan(ProtocolVersion version) {
        var fault = new MqttFault(ReasonCode.PACKET_TOO_LARGE, "too large");
        var ends = SessionRig.ends(SessionRig.online(version).on(new Event.Faulted(fault, version)));
        assertThat(ends)
                .isEqualTo(
                        version.isV5()
                                ? List.of(ReasonCode.PACKET_TOO_LARGE, ReasonCode.PACKET_TOO_LARGE)
                                : List.of(ReasonCode.PACKET_TOO_LARGE));
    }

    @Test
    void aClosedSessionDoesNothingMore() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.receivesQoS1(1);
        rig.receives(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE));
        assertThat(rig.forwarded(QoS.AT_LEAST_ONCE, 1)).isEmpty();
        assertThat(rig.receivesQoS1(2)).isEmpty();
        assertThat(rig.on(new Event.Ended(ReasonCode.SERVER_BUSY, "late"))).isEmpty();
        assertThat(rig.on(new Event.TransportClosed())).isEmpty();
        assertThat(rig.session.isWaiting()).isFalse();
    }

    /** [MQTT-3.12.4-1] */
    @Test
    void pingIsAnswered() {
        assertThat(SessionRig.online(ProtocolVersion.V3_1_1).receives(new Packet.PingReq()))
                .containsExactly(SessionRig.send(new Packet.PingResp()));
    }

    static Stream<Packet> serverPackets() {
        return Stream.of(
                new Packet.ConnAck(false, ReasonCode.SUCCESS, Properties.NONE),
                new Packet.SubAck(1, List.of(ReasonCode.SUCCESS), Properties.NONE),
                new Packet.UnsubAck(1, List.of(ReasonCode.SUCCESS), Properties.NONE),
                new Packet.PingResp());
    }

    @ParameterizedTest
    @MethodSource("serverPackets")
    void aPacketOutOfPlaceIsAProtocolError(Packet packet) {
        assertThat(SessionRig.ends(SessionRig.online(ProtocolVersion.V5).receives(packet)))
                .containsExactly(ReasonCode.PROTOCOL_ERROR, ReasonCode.PROTOCOL_ERROR);
    }
}

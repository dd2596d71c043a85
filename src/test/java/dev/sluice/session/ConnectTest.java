package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.topic.TopicName;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ConnectTest {
    private static Grant grant(ProtocolVersion version, boolean cleanStart, int keepAlive, Properties properties) {
        var rig = new SessionRig(version);
        rig.connects(SessionRig.connect(version, "c1", cleanStart, keepAlive, properties));
        return rig.session.grant();
    }

    private static Properties connAck(Packet.Connect connect) {
        var rig = new SessionRig(connect.version());
        rig.connects(connect);
        var effects = rig.on(new Event.SessionOpened(false, false, Collections.emptySortedMap(), 0, false));
        assertThat(effects.getFirst()).isInstanceOf(Effect.Send.class);
        return ((Packet.ConnAck) ((Effect.Send) effects.getFirst()).packet()).properties();
    }

    private static Properties connAckV5(int keepAlive, Properties properties) {
        return connAck(SessionRig.connect(ProtocolVersion.V5, "c1", true, keepAlive, properties));
    }

    private static Properties asking(Property property, long value) {
        return Properties.NONE.with(property, value);
    }

    @ParameterizedTest
    @EnumSource
    void connectOpensTheSessionAndThenIsAccepted(ProtocolVersion version) {
        var rig = new SessionRig(version);
        var connect = rig.connect("c1", true);
        assertThat(rig.connects(connect)).containsExactly(new Effect.OpenSession(connect, rig.session.grant()));
        assertThat(rig.session.wantsMore()).isFalse();
        var effects = rig.on(new Event.SessionOpened(true, false, Collections.emptySortedMap(), 0, false));
        assertThat(effects).hasSize(2).last().isEqualTo(new Effect.Start(rig.session.grant()));
        assertThat(((Packet.ConnAck) ((Effect.Send) effects.getFirst()).packet()).sessionPresent())
                .isTrue();
        assertThat(rig.session.wantsMore()).isTrue();
    }

    /** [MQTT-3.1.3-6], [MQTT-3.1.3-8] of 3.1.1: an empty client identifier in 3.1.1 needs a clean session. */
    @ParameterizedTest
    @CsvSource({
        "V3_1,true,false",
        "V3_1,false,false",
        "V3_1_1,true,true",
        "V3_1_1,false,false",
        "V5,true,true",
        "V5,false,true"
    })
    void anEmptyClientIdentifierIsAcceptedAsTheVersionSays(ProtocolVersion version, boolean clean, boolean accepted) {
        var rig = new SessionRig(version);
        var effects = rig.connects(rig.connect("", clean));
        if (accepted) {
            assertThat(effects).hasExactlyElementsOfTypes(Effect.OpenSession.class);
            assertThat(rig.session.grant().clientId()).isNotEmpty();
        } else {
            var reason = ReasonCode.CLIENT_IDENTIFIER_NOT_VALID;
            assertThat(SessionRig.ends(effects)).containsExactly(reason, reason);
        }
    }

    /** [MQTT-3.1.3-7] */
    @Test
    void theAssignedClientIdentifierIsTold() {
        var assigned = connAck(SessionRig.connect(ProtocolVersion.V5, "", true, 60, Properties.NONE))
                .text(Property.ASSIGNED_CLIENT_IDENTIFIER);
        assertThat(assigned).matches("[0-9A-Za-z-]{8,}");
        assertThat(connAckV5(60, Properties.NONE).has(Property.ASSIGNED_CLIENT_IDENTIFIER))
                .isFalse();
    }

    @Test
    void assignedClientIdentifiersDiffer() {
        var connect = SessionRig.connect(ProtocolVersion.V5, "", true, 60, Properties.NONE);
        assertThat(connAck(connect)).isNotEqualTo(connAck(connect));
    }

    @ParameterizedTest
    @EnumSource
    void aClientIdentifierAboveTheMaximumIsRefused(ProtocolVersion version) {
        var rig = new SessionRig(version);
        var reason = ReasonCode.CLIENT_IDENTIFIER_NOT_VALID;
        assertThat(SessionRig.ends(rig.connects(rig.connect("é".repeat(17), true))))
                .containsExactly(reason, reason);
        assertThat(new SessionRig(version).connects(rig.connect("é".repeat(16), true)))
                .hasExactlyElementsOfTypes(Effect.OpenSession.class);
    }

    /** [MQTT-3.1.2-21], [MQTT-3.2.2-21] */
    @Test
    void theKeepAliveIsCutToTheMaximumAndToldInVersion5() {
        assertThat(grant(ProtocolVersion.V5, true, 601, Properties.NONE).keepAlive())
                .isEqualTo(600);
        assertThat(grant(ProtocolVersion.V5, true, 0, Properties.NONE).keepAlive())
                .isEqualTo(600);
        assertThat(grant(ProtocolVersion.V3_1_1, true, 601, Properties.NONE).keepAlive())
                .isEqualTo(601);
        assertThat(grant(ProtocolVersion.V3_1_1, true, 0, Properties.NONE).keepAlive())
                .isZero();
        assertThat(connAckV5(601, Properties.NONE).number(Property.SERVER_KEEP_ALIVE, -1))
                .isEqualTo(600);
        assertThat(connAckV5(600, Properties.NONE).has(Property.SERVER_KEEP_ALIVE))
                .isFalse();
    }

    @Test
    void theSessionExpiryIsCutToTheMaximumAndTold() {
        var never = asking(Property.SESSION_EXPIRY_INTERVAL, 0xFFFFFFFFL);
        assertThat(grant(ProtocolVersion.V5, true, 60, never).sessionExpiry()).isEqualTo(SessionRig.EXPIRY_MAXIMUM);
        assertThat(connAckV5(60, never).number(Property.SESSION_EXPIRY_INTERVAL, -1))
                .isEqualTo(SessionRig.EXPIRY_MAXIMUM);
        var short_ = asking(Property.SESSION_EXPIRY_INTERVAL, 10);
        assertThat(grant(ProtocolVersion.V5, true, 60, short_).sessionExpiry()).isEqualTo(10);
        assertThat(connAckV5(60, short_).has(Property.SESSION_EXPIRY_INTERVAL)).isFalse();
        assertThat(grant(ProtocolVersion.V5, false, 60, Properties.NONE).sessionExpiry())
                .isZero();
        assertThat(grant(ProtocolVersion.V3_1_1, true, 60, Properties.NONE).sessionExpiry())
                .isZero();
        assertThat(grant(ProtocolVersion.V3_1_1, false, 60, Properties.NONE).sessionExpiry())
                .isEqualTo(SessionRig.EXPIRY_MAXIMUM);
    }

    @Test
    void theConnAckTellsTheLimits() {
        assertThat(connAckV5(60, Properties.NONE))
                .isEqualTo(Properties.NONE
                        .with(Property.RECEIVE_MAXIMUM, SessionRig.RECEIVE_MAXIMUM)
                        .with(Property.MAXIMUM_PACKET_SIZE, 65536)
                        .with(Property.TOPIC_ALIAS_MAXIMUM, SessionRig.TOPIC_ALIAS_MAXIMUM));
        assertThat(connAck(SessionRig.connect(ProtocolVersion.V3_1_1, "c1", true, 60, Properties.NONE))
                        .isEmpty())
                .isTrue();
    }

    @Test
    void responseInformationIsForThoseWhoAsk() {
        var asked = connAckV5(60, asking(Property.REQUEST_RESPONSE_INFORMATION, 1));
        assertThat(asked.text(Property.RESPONSE_INFORMATION)).isEqualTo("responses/");
        assertThat(connAckV5(60, Properties.NONE).has(Property.RESPONSE_INFORMATION))
                .isFalse();
    }

    @Test
    void reasonStringsAreForThoseWhoDoNotDecline() {
        var loud = SessionRig.online(ProtocolVersion.V5);
        loud.receivesQoS1(1);
        assertThat(loud.refused(QoS.AT_LEAST_ONCE, 1, ReasonCode.QUOTA_EXCEEDED, "why"))
                .containsExactly(
                        SessionRig.send(new Packet.PubAck(1, ReasonCode.QUOTA_EXCEEDED, SessionRig.reason("why"))));
        var quiet = SessionRig.online(ProtocolVersion.V5, asking(Property.REQUEST_PROBLEM_INFORMATION, 0));
        quiet.receivesQoS1(1);
        assertThat(quiet.refused(QoS.AT_LEAST_ONCE, 1, ReasonCode.QUOTA_EXCEEDED, "why"))
                .containsExactly(SessionRig.send(new Packet.PubAck(1, ReasonCode.QUOTA_EXCEEDED, Properties.NONE)));
    }

    /** [MQTT-3.4.2-2] */
    @Test
    void aReasonStringThatTheClientHasNoRoomForIsLeftOut() {
        var rig = SessionRig.online(ProtocolVersion.V5, asking(Property.MAXIMUM_PACKET_SIZE, 40));
        rig.receivesQoS1(1);
        assertThat(rig.refused(QoS.AT_LEAST_ONCE, 1, ReasonCode.QUOTA_EXCEEDED, "w".repeat(40)))
                .containsExactly(SessionRig.send(new Packet.PubAck(1, ReasonCode.QUOTA_EXCEEDED, Properties.NONE)));
    }

    /** [MQTT-3.1.0-1] */
    @Test
    void aFirstPacketThatIsNotConnectOnlyCloses() {
        var effects = new SessionRig(ProtocolVersion.V5).receives(new Packet.PingReq());
        assertThat(effects).hasExactlyElementsOfTypes(Effect.Close.class);
        var fault = new MqttFault(ReasonCode.PROTOCOL_ERROR, "first packet is not CONNECT");
        assertThat(new SessionRig(ProtocolVersion.V5).on(new Event.Faulted(fault, null)))
                .containsExactly(new Effect.Close(ReasonCode.PROTOCOL_ERROR, fault.getMessage()));
    }

    /** [MQTT-3.1.0-2] */
    @ParameterizedTest
    @EnumSource
    void aSecondConnectEndsTheConnection(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        var ends = SessionRig.ends(rig.connects(rig.connect("c1", true)));
        if (version.isV5()) assertThat(ends).containsExactly(ReasonCode.PROTOCOL_ERROR, ReasonCode.PROTOCOL_ERROR);
        else assertThat(ends).containsExactly(ReasonCode.PROTOCOL_ERROR);
    }

    /** [MQTT-3.1.2-2] */
    @ParameterizedTest
    @EnumSource
    void anUnsupportedVersionIsTold(ProtocolVersion nearest) {
        var reason = ReasonCode.UNSUPPORTED_PROTOCOL_VERSION;
        var fault = new MqttFault(reason, "neither");
        assertThat(SessionRig.ends(new SessionRig(nearest).on(new Event.Faulted(fault, nearest))))
                .containsExactly(reason, reason);
    }

    /** Section 4.13.1: version 5 is told; before, a malformed packet only closes [MQTT-4.8.0-1 of 3.1.1]. */
    @ParameterizedTest
    @CsvSource({"MALFORMED_PACKET", "PROTOCOL_ERROR", "TOPIC_NAME_INVALID"})
    void aMalformedConnectIsAnsweredInVersion5Only(ReasonCode reason) {
        var fault = new MqttFault(reason, "why");
        assertThat(SessionRig.ends(new SessionRig(ProtocolVersion.V5).on(new Event.Faulted(fault, ProtocolVersion.V5))))
                .containsExactly(reason, reason);
        assertThat(SessionRig.ends(
                        new SessionRig(ProtocolVersion.V3_1_1).on(new Event.Faulted(fault, ProtocolVersion.V3_1_1))))
                .containsExactly(reason);
    }

    /** Section 3.1.3.2.3 */
    @Test
    void aWillThatIsNotTheTextItClaimsToBeIsRefused() {
        var text = Properties.NONE.with(Property.PAYLOAD_FORMAT_INDICATOR, 1);
        var topicName = TopicName.of("t");
        for (byte last : new byte[] {'a', (byte) 0xFF}) {
            var will = new Will(topicName, QoS.AT_MOST_ONCE, false, text, new byte[] {'a', last});
            var effects = new SessionRig(ProtocolVersion.V5)
                    .connects(
                            new Packet.Connect(ProtocolVersion.V5, true, 60, "c1", will, null, null, Properties.NONE));
            var reason = ReasonCode.PAYLOAD_FORMAT_INVALID;
            if (last == 'a') assertThat(effects).hasExactlyElementsOfTypes(Effect.OpenSession.class);
            else assertThat(SessionRig.ends(effects)).containsExactly(reason, reason);
        }
    }

    /** [MQTT-4.12.0-6] */
    @Test
    void authWithoutAMethodIsAProtocolError() {
        var effects = SessionRig.online(ProtocolVersion.V5)
                .receives(new Packet.Auth(ReasonCode.RE_AUTHENTICATE, Properties.NONE));
        assertThat(SessionRig.ends(effects)).containsExactly(ReasonCode.PROTOCOL_ERROR, ReasonCode.PROTOCOL_ERROR);
    }

    @ParameterizedTest
    @EnumSource
    void aSessionThatCannotBeOpenedIsToldInTheConnAck(ProtocolVersion version) {
        var rig = new SessionRig(version);
        rig.connects(rig.connect("c1", true));
        var effects = rig.on(new Event.OpenFailed(ReasonCode.SERVER_UNAVAILABLE, "away"));
        assertThat(SessionRig.ends(effects))
                .containsExactly(ReasonCode.SERVER_UNAVAILABLE, ReasonCode.SERVER_UNAVAILABLE);
        assertThat(effects).noneMatch(Effect.EndSession.class::isInstance);
    }

    @Test
    void aSocketThatIsGoneWhileItsSessionOpensEndsNothing() {
        var rig = new SessionRig(ProtocolVersion.V5);
        rig.connects(rig.connect("c1", true));
        assertThat(rig.on(new Event.TransportClosed())).isEmpty();
        assertThat(rig.on(new Event.OpenFailed(ReasonCode.SERVER_UNAVAILABLE, "away")))
                .isEmpty();
    }
}

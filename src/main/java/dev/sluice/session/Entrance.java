package dev.sluice.session;

import dev.sluice.codec.InputBounds;
import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;

/** A client's way in, from CONNECT to CONNACK: what it has asked for, and what it is granted. Confined to the connection's event loop. */
final class Entrance {
    private static final Set<ReasonCode> FAULTS = EnumSet.of(
            ReasonCode.MALFORMED_PACKET,
            ReasonCode.PROTOCOL_ERROR,
            ReasonCode.TOPIC_NAME_INVALID,
            ReasonCode.PACKET_TOO_LARGE);

    private Limits limits;
    private ProtocolVersion version;
    /** Until it is granted. */
    private Packet.Connect asked;

    private Grant grant;
    private AuthExchange auth;

    Entrance(Limits limits) {
        this.limits = limits;
    }

    /** Those of everybody; those of the client once it is known. */
    Limits limits() {
        return limits;
    }

    /** Null before CONNECT. */
    ProtocolVersion version() {
        return version;
    }

    /** Null before CONNECT. */
    Grant grant() {
        return grant;
    }

    /** Null before CONNECT. */
    AuthExchange auth() {
        return auth;
    }

    /** Notes the version of a CONNECT that is at fault itself; null if it was not even recognised. */
    void spoke(ProtocolVersion version) {
        this.version = version;
    }

    /** Nobody is granted anything for good, nor opens a session, before it is known who that is. */
    Phase connect(Packet.Connect connect, Consumer<Effect> out) {
        version = connect.version();
        asked = connect;
        grant = Grant.of(connect, limits);
        asked = null;
        requireText(connect.will());
        requireLevels(connect.will());
        auth = new AuthExchange(connect);
        out.accept(new Effect.Authenticate(connect, grant.clientId()));
        return new Phase.Authenticating(connect.withoutPassword());
    }

    private void requireText(Will will) {
        if (will != null && limits.payloadFormatCheck() && !PayloadFormat.holds(will.properties(), will.payload()))
            throw new MqttFault(ReasonCode.PAYLOAD_FORMAT_INVALID, "Will: " + PayloadFormat.NOT_TEXT);
    }

    private void requireLevels(Will will) {
        var most = limits.input().topicLevels();
        if (will != null && will.topicName().hasMoreLevelsThan(most))
            throw InputBounds.fault(
                    ReasonCode.TOPIC_NAME_INVALID,
                    InputBounds.TOPIC_LEVELS,
                    "Will: the topic has more than " + most + " levels");
    }

    Phase authenticated(Phase.Authenticating phase, Event.Authenticated event, Consumer<Effect> out) {
        limits = event.limits();
        grant = grant.within(phase.connect(), limits);
        auth.proved(event.data());
        out.accept(new Effect.OpenSession(phase.connect(), grant));
        return new Phase.Opening(phase.connect(), grant);
    }

    Packet.ConnAck accept(Phase.Opening opening, boolean present) {
        var properties = auth.inConnAck(grant.connAckProperties(opening.connect(), limits));
        return new Packet.ConnAck(present, ReasonCode.SUCCESS, properties);
    }

    /** Grants the expiry that a DISCONNECT asks for. */
    void expireIn(long seconds) {
        grant = grant.withSessionExpiry(seconds, limits);
    }

    /** An MQTT 3 client gets refusals for which its CONNACK has a code; a malformed packet only closes. */
    boolean answersConnect(ReasonCode reason) {
        if (version == null) return false;
        return version.isV5() || !FAULTS.contains(reason);
    }

    Properties reasonString(String why) {
        if (version == null || !version.isV5()) return Properties.NONE;
        if (grant != null) return grant.reasonString(why);
        return asked == null ? Properties.NONE.with(Property.REASON_STRING, why) : Grant.reasonString(why, asked);
    }
}

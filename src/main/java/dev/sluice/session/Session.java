package dev.sluice.session;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * One client's protocol state: events in, effects out. Confined to its connection's event loop; performs nothing itself,
 * and must not be told an event from within an effect.
 */
public final class Session {
    private static final Set<ReasonCode> FAULTS =
            EnumSet.of(ReasonCode.MALFORMED_PACKET, ReasonCode.PROTOCOL_ERROR, ReasonCode.TOPIC_NAME_INVALID);

    private final Limits limits;
    private Phase phase = new Phase.AwaitingConnect();
    private ProtocolVersion version;
    private Grant grant;
    private Inbound inbound;

    public Session(Limits limits) {
        this.limits = limits;
    }

    public Phase phase() {
        return phase;
    }

    /** What CONNECT was granted, null before. */
    public Grant grant() {
        return grant;
    }

    /** Whether the socket may be read on: not while the session opens, not above the window of an MQTT 3 client. */
    public boolean wantsMore() {
        return switch (phase) {
            case Phase.AwaitingConnect _, Phase.Closed _ -> true;
            case Phase.Opening _ -> false;
            case Phase.Online _ -> version.isV5() || inbound.hasRoom();
        };
    }

    /** Whether a PUBLISH or PUBREL of the client still waits for its answer. */
    public boolean isWaiting() {
        return phase instanceof Phase.Online && inbound.isWaiting();
    }

    public void on(Event event, Consumer<Effect> out) {
        try {
            phase = next(event, out);
        } catch (MqttFault fault) {
            phase = refuse(fault.reason(), fault.getMessage(), out);
        }
    }

    private Phase next(Event event, Consumer<Effect> out) {
        return switch (phase) {
            case Phase.AwaitingConnect _ -> awaitingConnect(event, out);
            case Phase.Opening opening -> opening(opening, event, out);
            case Phase.Online online -> online(online, event, out);
            case Phase.Closed closed -> closed(closed, event, out);
        };
    }

    private Phase awaitingConnect(Event event, Consumer<Effect> out) {
        return switch (event) {
            case Event.Received(Packet.Connect connect) -> connect(connect, out);
            case Event.Received _ -> // [MQTT-3.1.0-1]
                close(ReasonCode.PROTOCOL_ERROR, "the first packet is not CONNECT", out);
            case Event.Faulted(var fault, var told) -> {
                version = told;
                throw fault;
            }
            case Event.Ended(var reason, var why) -> close(reason, why, out);
            case Event.TransportClosed _ -> new Phase.Closed();
            case Event.SessionOpened _, Event.OpenFailed _, Event.Forwarded _, Event.Remembered _, Event.Forgotten _ ->
                phase;
        };
    }

    private Phase connect(Packet.Connect connect, Consumer<Effect> out) {
        version = connect.version();
        if (connect.properties().has(Property.AUTHENTICATION_METHOD)) // [MQTT-4.12.0-1]
        throw new MqttFault(ReasonCode.BAD_AUTHENTICATION_METHOD, "extended authentication is not offered");
        grant = Grant.of(connect, limits);
        out.accept(new Effect.OpenSession(connect, grant));
        return new Phase.Opening(connect, grant);
    }

    private Phase opening(Phase.Opening opening, Event event, Consumer<Effect> out) {
        return switch (event) {
            case Event.SessionOpened(var present, var received) -> {
                inbound = new Inbound(version.isV5(), limits, grant, received);
                var properties = grant.connAckProperties(opening.connect(), limits);
                out.accept(new Effect.Send(new Packet.ConnAck(present, ReasonCode.SUCCESS, properties)));
                out.accept(new Effect.Start(grant));
                yield new Phase.Online();
            }
            case Event.OpenFailed(var reason, var why) -> refuse(reason, why, out);
            case Event.Ended(var reason, var why) -> refuse(reason, why, out);
            case Event.TransportClosed _ -> new Phase.Closed();
            case Event.Received _ -> throw new IllegalStateException("read while the session opens");
            case Event.Faulted(var fault, var _) -> throw fault;
            case Event.Forwarded _, Event.Remembered _, Event.Forgotten _ -> opening;
        };
    }

    private Phase online(Phase.Online online, Event event, Consumer<Effect> out) {
        return switch (event) {
            case Event.Received(var packet) -> received(online, packet, out);
            case Event.Faulted(var fault, var _) -> throw fault;
            case Event.Forwarded done -> {
                inbound.forwarded(done, out);
                yield online;
            }
            case Event.Remembered(var packetId) -> {
                inbound.remembered(packetId, out);
                yield online;
            }
            case Event.Forgotten(var packetId) -> {
                inbound.forgotten(packetId, out);
                yield online;
            }
            case Event.Ended(var reason, var why) -> refuse(reason, why, out);
            case Event.TransportClosed _ -> {
                out.accept(new Effect.EndSession(grant.sessionExpiry(), ReasonCode.UNSPECIFIED_ERROR));
                yield new Phase.Closed();
            }
            case Event.SessionOpened _, Event.OpenFailed _ -> online;
        };
    }

    /** The socket may be gone before its session is open: then the session ends as soon as it is. */
    private Phase closed(Phase.Closed closed, Event event, Consumer<Effect> out) {
        return switch (event) {
            case Event.SessionOpened _ -> {
                out.accept(new Effect.EndSession(grant.sessionExpiry(), ReasonCode.UNSPECIFIED_ERROR));
                yield closed;
            }
            case Event.Received _,
                    Event.Faulted _,
                    Event.OpenFailed _,
                    Event.Forwarded _,
                    Event.Remembered _,
                    Event.Forgotten _,
                    Event.Ended _,
                    Event.TransportClosed _ -> closed;
        };
    }

    private Phase received(Phase.Online online, Packet packet, Consumer<Effect> out) {
        switch (packet) {
            case Packet.Publish publish -> inbound.publish(publish, out);
            case Packet.PubRel release -> inbound.release(release, out);
            case Packet.Subscribe subscribe -> out.accept(new Effect.Send(notServed(subscribe)));
            case Packet.Unsubscribe unsubscribe -> out.accept(new Effect.Send(notSubscribed(unsubscribe)));
            case Packet.PingReq _ -> out.accept(new Effect.Send(new Packet.PingResp())); // [MQTT-3.12.4-1]
            case Packet.Disconnect bye -> {
                return disconnect(bye, out);
            }
            case Packet.Connect _ -> // [MQTT-3.1.0-2]
                throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "a second CONNECT on one connection");
            case Packet.Auth _ -> // [MQTT-4.12.0-6]
                throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "AUTH without an authentication method in CONNECT");
            case Packet.PubAck _, Packet.PubRec _, Packet.PubComp _ ->
                throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "an answer to a PUBLISH that was never sent");
            case Packet.ConnAck _, Packet.SubAck _, Packet.UnsubAck _, Packet.PingResp _ ->
                throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "a packet that only a server sends");
        }
        return online;
    }

    private Phase disconnect(Packet.Disconnect bye, Consumer<Effect> out) {
        var expiry = bye.properties().number(Property.SESSION_EXPIRY_INTERVAL, -1);
        if (expiry >= 0) grant = grant.withSessionExpiry(expiry, limits);
        out.accept(new Effect.EndSession(grant.sessionExpiry(), bye.reason()));
        out.accept(new Effect.Close(ReasonCode.SUCCESS, "the client disconnected"));
        return new Phase.Closed();
    }

    /** Tells the client as its version allows, then closes: CONNACK before the session is open, DISCONNECT after. */
    private Phase refuse(ReasonCode reason, String why, Consumer<Effect> out) {
        switch (phase) {
            case Phase.AwaitingConnect _, Phase.Opening _ -> {
                if (answersConnect(reason))
                    out.accept(new Effect.Send(new Packet.ConnAck(false, reason, reasonString(why))));
            }
            case Phase.Online _ -> {
                if (version.isV5()) out.accept(new Effect.Send(new Packet.Disconnect(reason, reasonString(why))));
            }
            case Phase.Closed _ -> {}
        }
        return close(reason, why, out);
    }

    /** An MQTT 3 client is told of refusals that its CONNACK has a code for; a malformed packet only closes. */
    private boolean answersConnect(ReasonCode reason) {
        if (version == null) return false;
        return version.isV5() || !FAULTS.contains(reason);
    }

    private Phase close(ReasonCode reason, String why, Consumer<Effect> out) {
        // A session that was taken over belongs to its new connection.
        if (phase instanceof Phase.Online && reason != ReasonCode.SESSION_TAKEN_OVER)
            out.accept(new Effect.EndSession(grant.sessionExpiry(), reason));
        out.accept(new Effect.Close(reason, why));
        return new Phase.Closed();
    }

    private Properties reasonString(String why) {
        if (version == null || !version.isV5()) return Properties.NONE;
        return grant == null ? Properties.NONE.with(Property.REASON_STRING, why) : grant.reasonString(why);
    }

    private Packet.SubAck notServed(Packet.Subscribe subscribe) {
        List<ReasonCode> reasons =
                Collections.nCopies(subscribe.subscriptions().size(), ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR);
        return new Packet.SubAck(subscribe.packetId(), reasons, reasonString("subscriptions are not served yet"));
    }

    private Packet.UnsubAck notSubscribed(Packet.Unsubscribe unsubscribe) {
        List<ReasonCode> reasons =
                Collections.nCopies(unsubscribe.filters().size(), ReasonCode.NO_SUBSCRIPTION_EXISTED);
        return new Packet.UnsubAck(unsubscribe.packetId(), reasons, Properties.NONE);
    }
}

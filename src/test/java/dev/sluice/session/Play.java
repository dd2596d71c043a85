package dev.sluice.session;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;

/** Feeds one session with events and keeps what it wants done; for one thread. */
final class Play {
    static final int RECEIVE_MAXIMUM = 4;
    static final int TOPIC_ALIAS_MAXIMUM = 2;
    static final long EXPIRY_MAXIMUM = 1000;
    static final Limits LIMITS =
            new Limits(RECEIVE_MAXIMUM, TOPIC_ALIAS_MAXIMUM, 65536, 600, EXPIRY_MAXIMUM, 32, "responses/");

    final Session session = new Session(LIMITS);
    private final ProtocolVersion version;

    Play(ProtocolVersion version) {
        this.version = version;
    }

    static Play online(ProtocolVersion version) {
        return online(version, true, Properties.NONE);
    }

    /** A client whose QoS 2 identifiers outlive its connection. */
    static Play durable(ProtocolVersion version, Integer... received) {
        var properties = version.isV5() ? Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, 60) : Properties.NONE;
        return online(version, false, properties, received);
    }

    static Play online(ProtocolVersion version, boolean cleanStart, Properties properties, Integer... received) {
        var play = new Play(version);
        play.on(new Event.Received(connect(version, "c1", cleanStart, 60, properties)));
        play.on(new Event.SessionOpened(received.length > 0, List.of(received)));
        return play;
    }

    static Packet.Connect connect(
            ProtocolVersion version, String clientId, boolean cleanStart, int keepAlive, Properties properties) {
        return new Packet.Connect(version, cleanStart, keepAlive, clientId, null, null, null, properties);
    }

    Packet.Connect connect(String clientId, boolean cleanStart) {
        return connect(version, clientId, cleanStart, 60, Properties.NONE);
    }

    List<Effect> on(Event event) {
        var effects = new ArrayList<Effect>();
        session.on(event, effects::add);
        return effects;
    }

    List<Effect> receives(Packet packet) {
        return on(new Event.Received(packet));
    }

    static Packet.Publish publish(QoS qos, int packetId) {
        return publish(qos, packetId, "t", Properties.NONE);
    }

    static Packet.Publish publish(QoS qos, int packetId, String topic, Properties properties) {
        return new Packet.Publish(false, qos, false, TopicName.of(topic), packetId, properties, new byte[0]);
    }

    List<Effect> receivesQoS1(int packetId) {
        return receives(publish(QoS.AT_LEAST_ONCE, packetId));
    }

    List<Effect> receivesQoS2(int packetId) {
        return receives(publish(QoS.EXACTLY_ONCE, packetId));
    }

    List<Effect> forwarded(QoS qos, int packetId) {
        return on(new Event.Forwarded(packetId, qos, ReasonCode.SUCCESS, null, "id" + packetId));
    }

    List<Effect> refused(QoS qos, int packetId, ReasonCode reason, String why) {
        return on(new Event.Forwarded(packetId, qos, reason, why, "id" + packetId));
    }

    static Effect send(Packet packet) {
        return new Effect.Send(packet);
    }

    static Effect pubAck(int packetId) {
        return send(new Packet.PubAck(packetId));
    }

    static Effect pubRec(int packetId) {
        return send(new Packet.PubRec(packetId));
    }

    static Effect pubComp(int packetId) {
        return send(new Packet.PubComp(packetId));
    }

    static Properties reason(String why) {
        return Properties.NONE.with(Property.REASON_STRING, why);
    }

    /** The Reason Codes of the DISCONNECT and of the close that follows, in that order; empty where there is neither. */
    static List<ReasonCode> ends(List<Effect> effects) {
        var reasons = new ArrayList<ReasonCode>();
        for (var effect : effects) {
            if (effect instanceof Effect.Send(Packet.Disconnect bye)) reasons.add(bye.reason());
            if (effect instanceof Effect.Send(Packet.ConnAck ack)) reasons.add(ack.reason());
            if (effect instanceof Effect.Close close) reasons.add(close.reason());
        }
        return reasons;
    }
}

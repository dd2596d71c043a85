package dev.sluice.session;

import dev.sluice.codec.InputBounds;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Feeds one session with events and keeps what it wants done; for one thread. */
final class SessionRig {
    static final int RECEIVE_MAXIMUM = 4;
    static final int UNRELEASED_MAXIMUM = 6;
    static final int HELD_BYTES = 10_000;
    static final int TOPIC_ALIAS_MAXIMUM = 2;
    static final long EXPIRY_MAXIMUM = 1000;
    static final int SEND_QUOTA = 4;
    static final int QUEUE_COUNT = 3;
    static final int QUEUE_BYTES = 1000;
    static final int QUEUE_PAGE = 5;
    /** 4 levels, 3 User Properties of 100 bytes, 200 bytes of properties, 40 bytes behind aliases, 2 SUBSCRIBEs. */
    static final InputBounds BOUNDS = new InputBounds(4, 3, 100, 200, 5, 1000, 40, 2);

    static final Limits LIMITS = limits(QueuePolicy.DROP_NEWEST, true);

    static Limits limits(QueuePolicy policy) {
        return limits(policy, true);
    }

    static Limits limits(QueuePolicy policy, long expiryMaximum) {
        return limits(policy, true, expiryMaximum);
    }

    static Limits unchecked() {
        return limits(QueuePolicy.DROP_NEWEST, false);
    }

    private static Limits limits(QueuePolicy policy, boolean payloadFormatCheck) {
        return limits(policy, payloadFormatCheck, EXPIRY_MAXIMUM);
    }

    private static Limits limits(QueuePolicy policy, boolean payloadFormatCheck, long expiryMaximum) {
        return new Limits(
                RECEIVE_MAXIMUM,
                UNRELEASED_MAXIMUM,
                TOPIC_ALIAS_MAXIMUM,
                65536,
                600,
                expiryMaximum,
                32,
                "responses/",
                SEND_QUOTA,
                QUEUE_COUNT,
                QUEUE_BYTES,
                policy,
                QUEUE_PAGE,
                payloadFormatCheck,
                BOUNDS);
    }

    static final long NOW = 1_000_000;
    private static final byte[] NO_PAYLOAD = new byte[0];

    private final Limits limits;
    final QueueMemory memory = new QueueMemory(1 << 20);
    final QueueMemory held = new QueueMemory(10 * HELD_BYTES);
    final Session session;
    private final ProtocolVersion version;
    /** Whether the socket takes more. */
    boolean room = true;
    /** Whether Kafka and PostgreSQL take more. */
    boolean mayPublish = true;
    /** Whether the journal deletes at once what is done with. */
    boolean journalAnswers = true;
    /** What becomes of messages that are due. */
    Screening screening = Screening.SEND;
    /** Milliseconds since 1970. */
    long now = NOW;

    SessionRig(ProtocolVersion version) {
        this(version, LIMITS);
    }

    SessionRig(ProtocolVersion version, Limits limits) {
        this.version = version;
        this.limits = limits;
        this.session = new Session(
                limits, memory, new Holding(_ -> mayPublish, held, HELD_BYTES), () -> room, () -> now, _ -> screening);
    }

    static SessionRig online(ProtocolVersion version) {
        return online(version, LIMITS);
    }

    static SessionRig online(ProtocolVersion version, Limits limits) {
        var rig = new SessionRig(version, limits);
        rig.open(true, Properties.NONE, new Event.SessionOpened(false, false, Collections.emptySortedMap(), 0, false));
        return rig;
    }

    static SessionRig online(ProtocolVersion version, Properties properties) {
        var rig = new SessionRig(version);
        rig.open(true, properties, new Event.SessionOpened(false, false, Collections.emptySortedMap(), 0, false));
        return rig;
    }

    /** A client whose session outlives its connection. */
    static SessionRig durable(ProtocolVersion version, Integer... received) {
        return durable(version, new Event.SessionOpened(received.length > 0, true, notes(received), 0, false));
    }

    private static SortedMap<Integer, String> notes(Integer... received) {
        var notes = new TreeMap<Integer, String>();
        for (var packetId : received) notes.put(packetId, "id" + packetId);
        return notes;
    }

    static SessionRig durable(ProtocolVersion version, Event.SessionOpened opened) {
        var rig = new SessionRig(version);
        rig.openDurable(opened);
        return rig;
    }

    List<Effect> openDurable(Event.SessionOpened opened) {
        var expiry = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, 60);
        return open(false, version.isV5() ? expiry : Properties.NONE, opened);
    }

    /** Sends CONNECT, and is known at once if it is not refused: returns what follows. */
    List<Effect> connects(Packet.Connect connect) {
        var effects = receives(connect);
        return session.phase() instanceof Phase.Authenticating ? authenticated() : effects;
    }

    List<Effect> authenticated() {
        return on(new Event.Authenticated(limits, null));
    }

    /** Comes online; returns what follows the CONNACK and the start. */
    List<Effect> open(boolean cleanStart, Properties properties, Event.SessionOpened opened) {
        connects(connect(version, "c1", cleanStart, 60, properties));
        return on(opened).stream().skip(2).toList();
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
        for (int i = 0; i < effects.size() && journalAnswers; i++)
            if (effects.get(i) instanceof Effect.Acknowledge) session.on(new Event.Deleted(), effects::add);
        return effects;
    }

    List<Effect> receives(Packet packet) {
        return on(new Event.Received(packet));
    }

    static Packet.Publish publish(QoS qos, int packetId) {
        return publish(qos, packetId, "t", Properties.NONE);
    }

    static Packet.Publish publish(QoS qos, int packetId, String topic, Properties properties) {
        return new Packet.Publish(false, qos, false, TopicName.of(topic), packetId, properties, NO_PAYLOAD);
    }

    static Effect forward(Packet.Publish publish) {
        return new Effect.Forward(publish, NOW);
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

    List<Effect> accepted(int packetId) {
        return on(new Event.Accepted(packetId, ReasonCode.SUCCESS));
    }

    /** Kafka and the journal have a QoS 2 PUBLISH. */
    List<Effect> taken(int packetId) {
        forwarded(QoS.EXACTLY_ONCE, packetId);
        return accepted(packetId);
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

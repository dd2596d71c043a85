package dev.sluice.uplink;

import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.apache.kafka.common.header.Header;

/**
 * One connection's way to Kafka: its sequence numbers, its resolved topics, its bytes in flight. Confined to the
 * connection's event loop, but for {@link #settle}.
 */
public final class ClientUplink {
    /** What a record takes besides topic, key and payload: headers, and the objects that wait for its answer. */
    private static final int RECORD_OVERHEAD = 200;

    private static final int RESOLVED_TOPICS = 64;

    private final Uplink uplink;
    private final String clientId;
    private final String username;
    private final Executor loop;
    private final Consumer<Forwarding> listener;
    private final Header clientIdHeader;
    private final long clientHash;
    private final byte[] seqPrefix;

    /** One for each route that has had a record. */
    private List<Sequence> sequences = List.of();

    /** The routes that the destinations were resolved with. */
    private Routes routes;

    private TopicName lastTopic;
    private Destination lastDestination;
    private Map<TopicName, Destination> resolved;

    private final ArrayDeque<Forwarding> stalled = new ArrayDeque<>(1);
    /** Null if nothing ever goes to the spool. */
    private final ClientSpool spool;

    private long bytesInFlight;
    private int inFlight;

    ClientUplink(
            Uplink uplink, String clientId, String username, long epoch, Executor loop, Consumer<Forwarding> listener) {
        this.uplink = uplink;
        this.clientId = clientId;
        this.username = username;
        this.loop = loop;
        this.listener = listener;
        this.clientIdHeader = UplinkRecord.header(UplinkRecord.CLIENT_ID, clientId);
        this.clientHash = MessageId.hashOf(clientId);
        this.seqPrefix = (epoch + "/").getBytes(StandardCharsets.US_ASCII);
        this.spool = uplink.spool().isOn() ? ClientSpool.open(uplink, clientId, () -> loop.execute(this::retry)) : null;
    }

    /** Where a Topic Name leads; a refusal has no targets but a reason. */
    private record Destination(List<Target> targets, String refusal) {}

    /** A PUBLISH that needs no record: dropped as configured, or refused for its topic. */
    public sealed interface Admission {
        /** The listener is told once Kafka has answered. */
        record UnderWay() implements Admission {}

        record Unmatched() implements Admission {}

        record Refused(String why) implements Admission {}

        /** A QoS 0 message that was not let in because Kafka is behind. */
        record Shed() implements Admission {}
    }

    private static final Admission UNDER_WAY = new Admission.UnderWay();
    private static final Admission UNMATCHED = new Admission.Unmatched();
    private static final Admission SHED = new Admission.Shed();

    /** @param attachment what the listener finds in the {@link Forwarding}; may be null */
    public Admission forward(Packet.Publish publish, Object attachment) {
        var destination = destination(publish.topicName());
        if (destination.refusal != null) return new Admission.Refused(destination.refusal);
        if (destination.targets.isEmpty()) return UNMATCHED;
        var congested = isCongested();
        if (publish.qos() == QoS.AT_MOST_ONCE && uplink.shedsQoS0() && (congested || isSpooling())) return SHED;
        var messageId = publish.qos() == QoS.AT_MOST_ONCE ? null : MessageId.of(clientHash, publish);
        var forwarding =
                new Forwarding(this, publish, attachment, messageId, destination.targets, bytes(publish, destination));
        bytesInFlight += forwarding.bytes;
        inFlight++;
        uplink.started(forwarding);
        if (congested || !send(forwarding)) stalled.add(forwarding);
        return UNDER_WAY;
    }

    private static int bytes(Packet.Publish publish, Destination destination) {
        return (publish.payload().length + publish.topicName().utf8().length + RECORD_OVERHEAD)
                * destination.targets.size();
    }

    /** Whether the connection must not be read on until {@link #retry} says otherwise. */
    public boolean holdsBack() {
        return !stalled.isEmpty() || !uplink.shedsQoS0() && isCongested();
    }

    private boolean isCongested() {
        return !stalled.isEmpty() || uplink.isCongested() || bytesInFlight >= uplink.bytesInFlightPerConnection();
    }

    private boolean isSpooling() {
        return spool != null && spool.isSpooling();
    }

    /** Whether anything still waits for Kafka. */
    public boolean isWaiting() {
        return inFlight > 0;
    }

    /** Offers again what the producer, or the spool, had no room for, in order. */
    public void retry() {
        if (spool != null) spool.insureInOutage();
        while (!stalled.isEmpty() && (isSpooling() || !uplink.isCongested()) && send(stalled.peek())) stalled.remove();
    }

    /** Gives up what the producer never took, so that it no longer counts; the client sends it again if it is owed an answer. */
    public void close() {
        if (spool != null) spool.close();
        stalled.forEach(Forwarding::abandon);
        stalled.clear();
    }

    private boolean send(Forwarding forwarding) {
        var targets = forwarding.targets;
        var publish = forwarding.publish;
        while (forwarding.next < targets.size()) {
            var target = targets.get(forwarding.next);
            var record = UplinkRecord.of(
                    target,
                    clientIdHeader,
                    publish,
                    forwarding.receivedAt,
                    forwarding.messageId,
                    target.sequence().next());
            forwarding.sending();
            if (spool == null) uplink.send(record, forwarding);
            else if (!spool.send(record, forwarding)) return false;
            if (!forwarding.taken()) return false;
            if (!forwarding.refusedAtOnce()) target.sequence().used();
            forwarding.next++;
        }
        forwarding.publish = null;
        return true;
    }

    private Sequence sequence(String route) {
        for (var known : sequences) if (known.route().equals(route)) return known;
        if (sequences.isEmpty()) sequences = new ArrayList<>(1);
        var sequence = new Sequence(route, seqPrefix);
        sequences.add(sequence);
        return sequence;
    }

    private Destination destination(TopicName topicName) {
        if (routes != uplink.routes()) {
            routes = uplink.routes();
            resolved = null;
        } else if (topicName == lastTopic) {
            return lastDestination;
        }
        if (resolved == null) {
            resolved = new LinkedHashMap<>(4, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<TopicName, Destination> eldest) {
                    return size() > RESOLVED_TOPICS;
                }
            };
        }
        var destination = resolved.get(topicName);
        if (destination == null) {
            destination = resolve(topicName);
            resolved.put(topicName, destination);
        }
        lastTopic = topicName;
        lastDestination = destination;
        return destination;
    }

    private Destination resolve(TopicName topicName) {
        return switch (routes.resolve(topicName, clientId, username)) {
            case Resolution.Forward(var matches) ->
                new Destination(
                        matches.stream()
                                .map(match -> Target.of(match, topicName, sequence(match.route())))
                                .toList(),
                        null);
            case Resolution.Refuse(var reason) -> new Destination(List.of(), reason);
            case Resolution.Drop _ -> new Destination(List.of(), null);
        };
    }

    /** Every record is answered; called on Kafka's network thread, or the journal's. */
    void settle(Forwarding forwarding) {
        uplink.settled(forwarding);
        loop.execute(forwarding);
    }

    void settled(Forwarding forwarding) {
        bytesInFlight -= forwarding.bytes;
        inFlight--;
        listener.accept(forwarding);
    }
}

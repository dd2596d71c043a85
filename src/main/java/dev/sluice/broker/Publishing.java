package dev.sluice.broker;

import dev.sluice.broker.routing.Match;
import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.ClientUplink;
import dev.sluice.uplink.Forwarding;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What one client publishes, on its way to Kafka, to PostgreSQL and to subscribers; the session is told once all of them
 * have it. Confined to the connection's event loop.
 *
 * <p>QoS 0 and 1 go everywhere at the same time. QoS 2 goes to Kafka first; then the packet identifier and all copies are
 * committed in one transaction, so that after a crash a repeat finds either both or none.
 */
final class Publishing {
    private final Connection connection;
    private final Broker broker;
    private final ClientUplink uplink;
    private final boolean durable;
    /** Messages that wait for PostgreSQL. */
    private int keeping;

    private TopicName routedTopic;
    private long routedVersion;
    private List<Match> routed;

    /** Packet identifiers of QoS 2 messages that Kafka has as dead letters, and nobody else gets. */
    private Set<Integer> deadLettered = Set.of();

    Publishing(Connection connection, Broker broker, String username, boolean durable, ProtocolVersion version) {
        this.connection = connection;
        this.broker = broker;
        this.durable = durable;
        this.uplink = broker.uplink()
                .open(
                        connection.clientId(),
                        username,
                        connection.epoch(),
                        version.isV5(),
                        connection.loop(),
                        this::forwarded);
    }

    /** A QoS 1 PUBLISH that two have to take: Kafka (or the lack of a route), and the journal. */
    private static final class Joint {
        private int missing = 2;
        private ReasonCode outcome = ReasonCode.SUCCESS;
        private String why;
    }

    void forward(Packet.Publish publish) {
        if (SysTopics.owns(publish.topicName())) {
            broker.meters().refused(ReasonCode.NOT_AUTHORIZED);
            answer(publish, ReasonCode.NOT_AUTHORIZED, "the topics below $SYS/ are the server's own");
            return;
        }
        switch (publish.qos()) {
            case AT_MOST_ONCE -> forwardAtMostOnce(publish);
            case AT_LEAST_ONCE -> forwardAtLeastOnce(publish);
            case EXACTLY_ONCE -> admitted(publish, uplink.forward(publish, null), null, true);
        }
    }

    private void forwardAtMostOnce(Packet.Publish publish) {
        var admission = uplink.forward(publish, null);
        if (!admitted(publish, admission, null, false)) return;
        var publication = publication(publish);
        publication.deliver(broker.underWay());
        if (publication.isKept()) keep(publish, publication, 0, null, () -> {});
    }

    private void forwardAtLeastOnce(Packet.Publish publish) {
        var publication = publication(publish);
        var joint = publication.isKept() ? new Joint() : null;
        if (!admitted(publish, uplink.forward(publish, joint), joint, publication.hasSubscribers())) return;
        publication.deliver(broker.underWay());
        if (joint != null) keep(publish, publication, 0, null, () -> done(publish.packetId(), joint));
    }

    private Publication publication(Packet.Publish publish) {
        var matches = matches(publish.topicName());
        if (matches.isEmpty() && !publish.retain()) return Publication.NOBODYS;
        return Publication.of(Message.of(publish, System.currentTimeMillis()), matches);
    }

    /** A device publishes to the same topic again and again, and subscriptions change seldom. */
    private List<Match> matches(TopicName topicName) {
        var version = broker.router().version();
        if (topicName == routedTopic && version == routedVersion) return routed;
        var matches = broker.router().route(topicName, connection.clientId());
        // Whose turn it is in a Shared Subscription changes with each message.
        var isLasting = matches.stream().allMatch(match -> match.share() == null);
        routedTopic = isLasting ? topicName : null;
        routedVersion = version;
        routed = matches;
        return matches;
    }

    /** Answers what Kafka is not asked about. False if subscribers are not to get the message. */
    private boolean admitted(
            Packet.Publish publish, ClientUplink.Admission admission, Joint joint, boolean hasSubscribers) {
        switch (admission) {
            case ClientUplink.Admission.UnderWay _ -> {}
            case ClientUplink.Admission.Shed _ -> broker.meters().shed();
            case ClientUplink.Admission.Unmatched _ -> {
                broker.meters().unmatched();
                var outcome = hasSubscribers ? ReasonCode.SUCCESS : ReasonCode.NO_MATCHING_SUBSCRIBERS;
                if (joint != null) joint.missing--;
                else answer(publish, outcome, null);
            }
            case ClientUplink.Admission.DeadLettered _ -> {
                if (joint != null) joint.missing--; // the journal gets nothing
                return false;
            }
            case ClientUplink.Admission.Refused(var reason, var why) -> {
                broker.meters().refused(reason);
                answer(publish, reason, why);
                return false;
            }
        }
        return true;
    }

    /** Answers without Kafka, but not before the session is done with the packet at hand. */
    private void answer(Packet.Publish publish, ReasonCode outcome, String why) {
        if (publish.qos() == QoS.AT_MOST_ONCE) return;
        var answer = new Event.Forwarded(publish.packetId(), publish.qos(), outcome, why, null);
        connection.loop().execute(() -> connection.settled(answer));
    }

    private void forwarded(Forwarding forwarding) {
        if (forwarding.failedForNow()) {
            connection.on(new Event.Ended(ReasonCode.SERVER_BUSY, "Kafka did not take a message: " + forwarding.why()));
        } else {
            if (forwarding.isRefused()) broker.meters().refused(forwarding.outcome());
            else if (forwarding.isDeadLettered() && forwarding.qos() == QoS.EXACTLY_ONCE) noteDeadLetter(forwarding);
            if (forwarding.attachment() instanceof Joint joint) {
                joint.outcome = forwarding.outcome();
                joint.why = forwarding.why();
                done(forwarding.packetId(), joint);
            } else if (forwarding.qos() != QoS.AT_MOST_ONCE) {
                connection.on(new Event.Forwarded(
                        forwarding.packetId(),
                        forwarding.qos(),
                        forwarding.outcome(),
                        forwarding.why(),
                        forwarding.qos() == QoS.EXACTLY_ONCE ? forwarding.messageId() : null));
            }
        }
        connection.progressed();
    }

    private void noteDeadLetter(Forwarding forwarding) {
        if (forwarding.outcome().isError()) return; // the exchange ends here
        if (deadLettered.isEmpty()) deadLettered = new HashSet<>();
        deadLettered.add(forwarding.packetId());
    }

    private void done(int packetId, Joint joint) {
        if (--joint.missing == 0)
            connection.on(new Event.Forwarded(packetId, QoS.AT_LEAST_ONCE, joint.outcome, joint.why, null));
    }

    /** A QoS 2 message that Kafka has: remembers it, and gives it to its subscribers once that is certain. */
    void accept(Packet.Publish publish, String messageId) {
        var publication = isDeadLetter(publish.packetId()) ? Publication.NOBODYS : publication(publish);
        var accepted = new Event.Accepted(publish.packetId(), outcome(publication, messageId));
        // Not before an earlier one that waits for the journal [MQTT-4.6.0-6].
        if (durable || publication.isKept() || keeping > 0) {
            keep(publish, publication, durable ? publish.packetId() : 0, messageId, () -> {
                publication.deliver(broker.underWay());
                connection.on(accepted);
            });
        } else {
            publication.deliver(broker.underWay());
            connection.loop().execute(() -> connection.settled(accepted));
        }
    }

    private boolean isDeadLetter(int packetId) {
        return !deadLettered.isEmpty() && deadLettered.remove(packetId);
    }

    /** Without a message id there was no route. */
    private static ReasonCode outcome(Publication publication, String messageId) {
        return messageId != null || publication.hasSubscribers()
                ? ReasonCode.SUCCESS
                : ReasonCode.NO_MATCHING_SUBSCRIBERS;
    }

    private void keep(
            Packet.Publish publish, Publication publication, int packetId, String messageId, Runnable committed) {
        keeping++;
        var write = JournalWrite.Accept.kept(
                connection.clientId(),
                connection.epoch(),
                publication.message(),
                publication.copies(),
                publish.retain() && publication.message() != null,
                outcome -> connection.loop().execute(() -> {
                    keeping--;
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                    connection.journalled(outcome, committed);
                }));
        connection.journal(packetId == 0 ? write : write.exactlyOnce(packetId, messageId));
    }

    /** Whether the client must not be read on. */
    boolean holdsBack() {
        return uplink.holdsBack();
    }

    /** Whether anything still waits for Kafka or for PostgreSQL. */
    boolean isWaiting() {
        return uplink.isWaiting() || keeping > 0;
    }

    void retry() {
        uplink.retry();
    }

    void close() {
        uplink.close();
    }
}

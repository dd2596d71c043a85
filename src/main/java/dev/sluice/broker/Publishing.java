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
import dev.sluice.uplink.ClientUplink.Admission;
import dev.sluice.uplink.Forwarding;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What one client publishes, on its way to Kafka, to PostgreSQL and to subscribers; the session hears of it once all of them
 * have it. Confined to the connection's event loop.
 *
 * <p>QoS 0 and 1 go everywhere at the same time. QoS 2 goes to Kafka first; then the packet identifier and all copies are
 * committed in one transaction, so that after a crash a repeat finds either both or none.
 */
final class Publishing {
    private final Connection connection;
    private final ConnectionParts parts;
    private final ClientUplink uplink;
    private final boolean durable;
    /** Messages that PostgreSQL has not committed yet. */
    private int waitingForStore;

    private TopicName routedTopic;
    private long routedVersion;
    private List<Match> routed;

    /** Packet identifiers of QoS 2 messages that Kafka has as dead letters, and nobody else gets. */
    private Set<Integer> deadLettered = Set.of();

    Publishing(
            Connection connection, ConnectionParts parts, String username, boolean durable, ProtocolVersion version) {
        this.connection = connection;
        this.parts = parts;
        this.durable = durable;
        this.uplink = parts.uplink()
                .open(
                        connection.clientId(),
                        username,
                        connection.epoch(),
                        version.isV5(),
                        connection.loop(),
                        this::forwarded);
    }

    void forward(Packet.Publish publish) {
        if (publish.topicName().isServers()) {
            refuse(publish, ReasonCode.NOT_AUTHORIZED, TopicName.SERVERS_OWN);
            return;
        }
        if (!uplink.check(publish, () -> checked(publish))) return;
        switch (publish.qos()) {
            case AT_MOST_ONCE -> atMostOnce(publish);
            case AT_LEAST_ONCE -> {
                var publication = publication(publish);
                if (publication.isKept()) atLeastOnceJointly(publish, publication);
                else atLeastOnceAlone(publish, publication);
            }
            case EXACTLY_ONCE -> exactlyOnce(publish);
        }
    }

    /** The routes may have changed meanwhile. */
    private void checked(Packet.Publish publish) {
        forward(publish);
        connection.progressed();
    }

    /** What follows once Kafka has answered; goes along with the PUBLISH. */
    private sealed interface Exchange {
        /** Nobody is answered. */
        record AtMostOnce() implements Exchange {}

        /** PUBACK waits for Kafka alone. */
        record AtLeastOnceAlone() implements Exchange {}

        /** PUBACK waits for Kafka (or the lack of a route) and for PostgreSQL, whichever comes first. */
        final class AtLeastOnceJointly implements Exchange {
            private int missing = 2;
            private ReasonCode outcome = ReasonCode.SUCCESS;
            private String why;
        }

        /** PUBREC waits for Kafka first, then for PostgreSQL. */
        record ExactlyOnce() implements Exchange {}
    }

    private static final Exchange AT_MOST_ONCE = new Exchange.AtMostOnce();
    private static final Exchange AT_LEAST_ONCE_ALONE = new Exchange.AtLeastOnceAlone();
    private static final Exchange EXACTLY_ONCE = new Exchange.ExactlyOnce();

    /** Kafka has answered for all records of a PUBLISH, with records or with dead letters, or has failed. */
    private void forwarded(Forwarding forwarding) {
        if (forwarding.failedForNow()) {
            connection.on(new Event.Ended(ReasonCode.SERVER_BUSY, "Kafka did not take a message: " + forwarding.why()));
        } else {
            if (forwarding.isRefused()) parts.meters().refused(forwarding.outcome());
            switch ((Exchange) forwarding.attachment()) {
                case Exchange.AtMostOnce _ -> {}
                case Exchange.AtLeastOnceAlone _ -> acknowledge(forwarding);
                case Exchange.AtLeastOnceJointly joint -> acknowledgeJointly(forwarding, joint);
                case Exchange.ExactlyOnce _ -> forwardedExactlyOnce(forwarding);
            }
        }
        connection.progressed();
    }

    // QoS 0

    private void atMostOnce(Packet.Publish publish) {
        switch (uplink.forward(publish, AT_MOST_ONCE)) {
            case Admission.UnderWay _ -> {}
            case Admission.Shed _ -> parts.meters().shed();
            case Admission.Unmatched _ -> parts.meters().unmatched();
            case Admission.DeadLettered _ -> {
                return; // subscribers do not get it
            }
            case Admission.Refused(var reason, var why) -> {
                refuse(publish, reason, why);
                return;
            }
        }
        var publication = publication(publish);
        parts.deliveries().send(publication);
        if (publication.isKept()) keep(publish, publication, 0, null, () -> {});
    }

    // QoS 1, and PostgreSQL has nothing to keep

    private void atLeastOnceAlone(Packet.Publish publish, Publication publication) {
        switch (uplink.forward(publish, AT_LEAST_ONCE_ALONE)) {
            case Admission.UnderWay _ -> {}
            case Admission.Unmatched _ -> {
                parts.meters().unmatched();
                var isForSomebody = publication.hasSubscribers();
                answer(publish, isForSomebody ? ReasonCode.SUCCESS : ReasonCode.NO_MATCHING_SUBSCRIBERS, null);
            }
            case Admission.DeadLettered _ -> {
                return; // subscribers do not get it
            }
            case Admission.Refused(var reason, var why) -> {
                refuse(publish, reason, why);
                return;
            }
            case Admission.Shed _ -> throw new IllegalStateException("only QoS 0 is shed");
        }
        parts.deliveries().send(publication);
    }

    private void acknowledge(Forwarding forwarding) {
        connection.on(new Event.Forwarded(
                forwarding.packetId(), QoS.AT_LEAST_ONCE, forwarding.outcome(), forwarding.why(), null));
    }

    // QoS 1, and PostgreSQL has to keep it, too

    private void atLeastOnceJointly(Packet.Publish publish, Publication publication) {
        var joint = new Exchange.AtLeastOnceJointly();
        switch (uplink.forward(publish, joint)) {
            case Admission.UnderWay _ -> {}
            case Admission.Unmatched _ -> {
                parts.meters().unmatched();
                joint.missing--; // PostgreSQL is waited for
            }
            case Admission.DeadLettered _ -> {
                joint.missing--; // Kafka is waited for; neither subscribers nor PostgreSQL get it
                return;
            }
            case Admission.Refused(var reason, var why) -> {
                refuse(publish, reason, why);
                return;
            }
            case Admission.Shed _ -> throw new IllegalStateException("only QoS 0 is shed");
        }
        parts.deliveries().send(publication);
        keep(publish, publication, 0, null, () -> acknowledgeIfBoth(publish.packetId(), joint));
    }

    private void acknowledgeJointly(Forwarding forwarding, Exchange.AtLeastOnceJointly joint) {
        joint.outcome = forwarding.outcome();
        joint.why = forwarding.why();
        acknowledgeIfBoth(forwarding.packetId(), joint);
    }

    private void acknowledgeIfBoth(int packetId, Exchange.AtLeastOnceJointly joint) {
        if (--joint.missing == 0)
            connection.on(new Event.Forwarded(packetId, QoS.AT_LEAST_ONCE, joint.outcome, joint.why, null));
    }

    // QoS 2: first Kafka; then, in the order received, PostgreSQL and subscribers

    private void exactlyOnce(Packet.Publish publish) {
        switch (uplink.forward(publish, EXACTLY_ONCE)) {
            case Admission.UnderWay _, Admission.DeadLettered _ -> {}
            case Admission.Unmatched _ -> {
                parts.meters().unmatched();
                answer(publish, ReasonCode.SUCCESS, null);
            }
            case Admission.Refused(var reason, var why) -> refuse(publish, reason, why);
            case Admission.Shed _ -> throw new IllegalStateException("only QoS 0 is shed");
        }
    }

    private void forwardedExactlyOnce(Forwarding forwarding) {
        var outcome = forwarding.outcome();
        // With an error the exchange ends here.
        if (forwarding.isDeadLettered() && !outcome.isError()) noteDeadLetter(forwarding.packetId());
        connection.on(new Event.Forwarded(
                forwarding.packetId(), QoS.EXACTLY_ONCE, outcome, forwarding.why(), forwarding.messageId()));
    }

    /** Kafka has a QoS 2 message and all before it: remembers it, and gives it to its subscribers once that is certain. */
    void accept(Packet.Publish publish, String messageId) {
        var publication = takeDeadLetter(publish.packetId()) ? Publication.NOBODYS : publication(publish);
        // Without a message id there was no route.
        var isForSomebody = messageId != null || publication.hasSubscribers();
        var outcome = isForSomebody ? ReasonCode.SUCCESS : ReasonCode.NO_MATCHING_SUBSCRIBERS;
        var accepted = new Event.Accepted(publish.packetId(), outcome);
        // Not before an earlier one that waits for the journal [MQTT-4.6.0-6].
        if (durable || publication.isKept() || waitingForStore > 0) {
            keep(publish, publication, durable ? publish.packetId() : 0, messageId, () -> {
                parts.deliveries().send(publication);
                connection.on(accepted);
            });
        } else {
            parts.deliveries().send(publication);
            connection.loop().execute(() -> connection.answered(accepted));
        }
    }

    private void noteDeadLetter(int packetId) {
        if (deadLettered.isEmpty()) deadLettered = new HashSet<>();
        deadLettered.add(packetId);
    }

    /** Whether a dead letter was noted, which is forgotten with that. */
    private boolean takeDeadLetter(int packetId) {
        return !deadLettered.isEmpty() && deadLettered.remove(packetId);
    }

    // What all have in common

    private void refuse(Packet.Publish publish, ReasonCode reason, String why) {
        parts.meters().refused(reason);
        answer(publish, reason, why);
    }

    /** Answers without Kafka, but not before the session is done with the packet at hand. */
    private void answer(Packet.Publish publish, ReasonCode outcome, String why) {
        if (publish.qos() == QoS.AT_MOST_ONCE) return;
        var answer = new Event.Forwarded(publish.packetId(), publish.qos(), outcome, why, null);
        connection.loop().execute(() -> connection.answered(answer));
    }

    private Publication publication(Packet.Publish publish) {
        var matches = matches(publish.topicName());
        if (matches.isEmpty() && !publish.retain()) return Publication.NOBODYS;
        return Publication.of(Message.of(publish, System.currentTimeMillis()), matches);
    }

    /** A device publishes to the same topic again and again, and subscriptions change seldom. */
    private List<Match> matches(TopicName topicName) {
        var version = parts.router().version();
        if (topicName == routedTopic && version == routedVersion) return routed;
        var matches = parts.router().route(topicName, connection.clientId());
        // Whose turn it is in a Shared Subscription changes with each message.
        var isLasting = matches.stream().allMatch(match -> match.share() == null);
        routedTopic = isLasting ? topicName : null;
        routedVersion = version;
        routed = matches;
        return matches;
    }

    /**
     * Has PostgreSQL keep a message for the sessions that are owed it, or as the retained one of its topic.
     *
     * @param packetId held with it until PUBREL, 0 for none
     * @param committed runs on the loop once it is committed; else the connection ends
     */
    private void keep(
            Packet.Publish publish, Publication publication, int packetId, String messageId, Runnable committed) {
        waitingForStore++;
        var write = JournalWrite.Accept.kept(
                connection.clientId(),
                connection.epoch(),
                publication.message(),
                publication.copies(),
                publish.retain() && publication.message() != null,
                outcome -> connection.loop().execute(() -> {
                    waitingForStore--;
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                    connection.journalled(outcome, committed);
                }));
        connection.journal(packetId == 0 ? write : write.exactlyOnce(packetId, messageId));
    }

    /** Whether the client must not be read on. */
    boolean holdsBack() {
        return uplink.holdsBack();
    }

    /** Whether anything still waits for its check, for Kafka or for PostgreSQL. */
    boolean isWaiting() {
        return uplink.isWaiting() || waitingForStore > 0;
    }

    void retry() {
        uplink.retry();
    }

    void close() {
        uplink.close();
    }
}

package dev.sluice.broker;

import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Repeat;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.uplink.ClientUplink;
import dev.sluice.uplink.ClientUplink.Admission;
import dev.sluice.uplink.Forwarding;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

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
    private final PublishCheck check;
    private final TokenRenewals renewals;
    private final ClientUplink uplink;
    private boolean durable;
    /** Whether the client has said DISCONNECT, so that its session may have ended. */
    private boolean finishing;
    /** Messages that PostgreSQL has not committed yet. */
    private int waitingForStore;

    private final RoutedTopics routed;
    private final RemoteLetters letters;
    private final Deliveries.Keeping others = this::keepForOthers;
    private final PublishesForNobody forNobody = new PublishesForNobody();

    /** @param mayGo whether what it publishes may go to Kafka now; false at first if wills of the client have to go before it */
    Publishing(
            Connection connection,
            ConnectionParts parts,
            ClientRights rights,
            String username,
            boolean durable,
            ProtocolVersion version,
            BooleanSupplier mayGo) {
        this.connection = connection;
        this.parts = parts;
        this.check = new PublishCheck(parts, connection.proof(), rights);
        this.renewals = new TokenRenewals(
                connection.proof(),
                version.isV5(),
                new TokenRenewals.Listener(connection::answered, connection::judgeAgain, connection::progressed),
                connection::isClosed,
                connection.loop()::after,
                forNobody);
        this.durable = durable;
        this.routed = new RoutedTopics(parts.remote().router(), parts.retainedTopics(), connection.clientId());
        this.letters = new RemoteLetters(parts.remote(), others, connection, parts.lease(), connection::progressed);
        this.uplink = parts.uplink()
                .open(
                        connection.clientId(),
                        username,
                        connection.epoch(),
                        version.isV5(),
                        connection.loop(),
                        this::forwarded,
                        // The connection that took it over may be publishing before this loop has heard of it.
                        () -> !connection.isTakenOver() && mayGo.getAsBoolean());
    }

    void perform(Effect.OfPublisher effect) {
        switch (effect) {
            case Effect.Forward(var publish, var receivedAt) -> forward(publish, receivedAt);
            case Effect.Renew(var publish) -> renewals.begin(publish);
            case Effect.Accept(var publish, var receivedAt, var messageId) -> accept(publish, receivedAt, messageId);
            case Effect.Forget(var packetId) -> forget(packetId);
            case Effect.Abandon(var publishes) -> parts.meters().abandoned(publishes);
        }
    }

    /** @param receivedAt milliseconds since 1970 */
    private void forward(Packet.Publish publish, long receivedAt) {
        if (renewals.take(publish)) return;
        var refusal = check.refusal(publish);
        if (refusal == null) goOn(publish, receivedAt);
        else refuse(publish, refusal.reason(), refusal.why());
    }

    private void goOn(Packet.Publish publish, long receivedAt) {
        if (!uplink.check(publish, () -> checked(publish, receivedAt))) return;
        switch (publish.qos()) {
            case AT_MOST_ONCE -> atMostOnce(publish, receivedAt);
            case AT_LEAST_ONCE -> {
                var publication = routed.publication(publish, receivedAt);
                if (publication.isKept() || letters.isOwed(publication))
                    atLeastOnceJointly(publish, receivedAt, publication);
                else atLeastOnceAlone(publish, receivedAt, publication);
            }
            case EXACTLY_ONCE -> exactlyOnce(publish, receivedAt);
        }
    }

    /** The routes may have changed meanwhile. */
    private void checked(Packet.Publish publish, long receivedAt) {
        goOn(publish, receivedAt);
        connection.progressed();
    }

    /** Kafka has answered for all records of a PUBLISH, with records or with dead letters, or has failed. */
    private void forwarded(Forwarding forwarding) {
        if (forwarding.failedForNow()) {
            if (forwarding.attachment() instanceof Exchange.AtLeastOnceJointly joint) withdraw(joint.retaining);
            connection.on(new Event.Ended(ReasonCode.SERVER_BUSY, "Kafka did not take a message: " + forwarding.why()));
        } else {
            if (forwarding.isRefused()) parts.meters().refused(forwarding.outcome());
            switch ((Exchange) forwarding.attachment()) {
                case Exchange.AtMostOnce _ -> {}
                case Exchange.AtLeastOnceAlone _ ->
                    acknowledge(forwarding.packetId(), forwarding.outcome(), forwarding.why());
                case Exchange.AtLeastOnceJointly joint -> acknowledgeJointly(forwarding, joint);
                case Exchange.ExactlyOnce _ -> forwardedExactlyOnce(forwarding);
            }
        }
        connection.progressed();
    }

    // QoS 0

    private void atMostOnce(Packet.Publish publish, long receivedAt) {
        switch (uplink.forward(publish, receivedAt, Exchange.AT_MOST_ONCE)) {
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
        var publication = routed.publication(publish, receivedAt);
        parts.deliveries().send(publication);
        if (publication.stamp() == 0) letters.send(publication, () -> {});
        else letters.reserve(publication);
        if (publication.isKept())
            keep(publication, publication.stamp() > 0, 0, null, () -> letters.sendCommitted(publication, () -> {}));
    }

    // QoS 1, and neither PostgreSQL nor another gateway is to have it

    private void atLeastOnceAlone(Packet.Publish publish, long receivedAt, Publication publication) {
        switch (uplink.forward(publish, receivedAt, Exchange.AT_LEAST_ONCE_ALONE)) {
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
        parts.deliveries().send(publication, others, () -> {});
    }

    private void acknowledge(int packetId, ReasonCode outcome, String why) {
        connection.on(new Event.Forwarded(packetId, QoS.AT_LEAST_ONCE, outcome, why, null));
    }

    // QoS 1, and PostgreSQL has to keep it, or another gateway is to have it, too

    private void atLeastOnceJointly(Packet.Publish publish, long receivedAt, Publication publication) {
        var joint = new Exchange.AtLeastOnceJointly();
        switch (uplink.forward(publish, receivedAt, joint)) {
            case Admission.UnderWay _ -> {
                if (publication.stamp() > 0) joint.retaining = publication;
            }
            case Admission.Unmatched _ -> {
                parts.meters().unmatched();
                joint.missing--; // PostgreSQL or another gateway is waited for
            }
            case Admission.DeadLettered _ -> {
                routed.unannounce(publication);
                return; // Kafka is waited for; neither subscribers nor PostgreSQL get it
            }
            case Admission.Refused(var reason, var why) -> {
                routed.unannounce(publication);
                refuse(publish, reason, why);
                return;
            }
            case Admission.Shed _ -> throw new IllegalStateException("only QoS 0 is shed");
        }
        parts.deliveries().send(publication, others, () -> {});
        letters.reserve(publication);
        Runnable answered = () -> acknowledgeIfAll(publish.packetId(), joint);
        if (publication.stamp() == 0 && letters.isOwed(publication)) {
            joint.missing++;
            letters.send(publication, answered);
        }
        var isRetainedNow = publication.stamp() > 0 && joint.retaining == null;
        if (!isRetainedNow && !publication.hasCopies()) return;
        joint.missing++;
        Runnable committed = isRetainedNow ? () -> letters.sendCommitted(publication, answered) : answered;
        keep(publication, isRetainedNow, 0, null, committed);
    }

    private void acknowledgeJointly(Forwarding forwarding, Exchange.AtLeastOnceJointly joint) {
        joint.outcome = forwarding.outcome();
        joint.why = forwarding.why();
        if (joint.retaining != null) {
            if (forwarding.isRefused() || forwarding.isDeadLettered()) {
                withdraw(joint.retaining);
            } else {
                joint.missing++;
                retain(joint.retaining, () -> acknowledgeIfAll(forwarding.packetId(), joint));
            }
        }
        acknowledgeIfAll(forwarding.packetId(), joint);
    }

    private void withdraw(Publication retaining) {
        routed.unannounce(retaining);
        letters.giveUp(retaining);
    }

    /** Also if the session is over by now: subscribers and Kafka have it. Then other gateways get it. */
    private void retain(Publication publication, Runnable then) {
        waitingForStore++;
        Runnable committed = () -> letters.sendCommitted(publication, then);
        connection.writes().keep(publication, List.of(), true, whenKept(Publication.NOBODYS, 0, committed));
    }

    private void acknowledgeIfAll(int packetId, Exchange.AtLeastOnceJointly joint) {
        if (--joint.missing == 0) acknowledge(packetId, joint.outcome, joint.why);
    }

    // QoS 2: first Kafka; then, in the order received, PostgreSQL and subscribers

    private void exactlyOnce(Packet.Publish publish, long receivedAt) {
        switch (uplink.forward(publish, receivedAt, Exchange.EXACTLY_ONCE)) {
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
        if (forwarding.isDeadLettered() && !outcome.isError()) forNobody.note(forwarding.packetId());
        connection.on(new Event.Forwarded(
                forwarding.packetId(), QoS.EXACTLY_ONCE, outcome, forwarding.why(), forwarding.messageId()));
    }

    /**
     * Kafka has a QoS 2 message and all before it: remembers it, and gives it to its subscribers once that is certain.
     *
     * @param receivedAt milliseconds since 1970
     */
    private void accept(Packet.Publish publish, long receivedAt, String messageId) {
        var isForNobody = forNobody.take(publish.packetId());
        var publication = isForNobody ? Publication.NOBODYS : routed.publication(publish, receivedAt);
        // Without a message id there was no route.
        var isForSomebody = messageId != null || publication.hasSubscribers();
        var outcome = isForSomebody ? ReasonCode.SUCCESS : ReasonCode.NO_MATCHING_SUBSCRIBERS;
        var accepted = new Event.Accepted(publish.packetId(), outcome);
        var note = durable ? Repeat.note(messageId, publish) : null;
        // Before the packet identifier is held: a repeat after that would bring other gateways nothing.
        var isRetainedFirst = letters.reserve(publication);
        var retain = publication.stamp() > 0 && !isRetainedFirst;
        var sent = letters.inTurn(() -> accept(publication, retain, note, accepted));
        if (isRetainedFirst) retain(publication, sent);
        else letters.send(publication, sent);
    }

    private void accept(Publication publication, boolean retain, String note, Event.Accepted accepted) {
        // Not before an earlier one that waits for the journal [MQTT-4.6.0-6].
        if (durable || publication.isKept() || waitingForStore > 0) {
            var packetId = durable ? accepted.packetId() : 0;
            Runnable committed = () -> parts.deliveries().send(publication, others, () -> connection.on(accepted));
            keep(publication, retain, packetId, note, committed);
        } else {
            Runnable given = () -> connection.loop().execute(() -> connection.answered(accepted));
            parts.deliveries().send(publication, others, given);
        }
    }

    private void forget(int packetId) {
        var writes = connection.writes();
        var done = writes.thenOnLoop(() -> connection.on(new Event.Forgotten(packetId)));
        writes.submit(new JournalWrite.ForgetReceived(connection.clientId(), connection.epoch(), packetId, done));
    }

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

    /**
     * Has PostgreSQL keep a message for the sessions that are owed it, or as the retained one of its topic.
     *
     * @param packetId held with the note until PUBREL, 0 for none
     * @param committed runs on the loop once it is committed; else the connection ends
     */
    private void keep(Publication publication, boolean retain, int packetId, String note, Runnable committed) {
        waitingForStore++;
        // The session of a client that has said DISCONNECT may be over; only its packet identifiers need it.
        var write = JournalWrite.Accept.kept(
                        connection.clientId(),
                        finishing && packetId == 0 ? JournalWrite.NO_FENCE : connection.epoch(),
                        publication.message(),
                        publication.copies(),
                        retain,
                        whenKept(publication, packetId, committed))
                .stamped(retain ? publication.stamp() : 0)
                .since(connection.writes().since());
        connection.writes().submit(packetId == 0 ? write : write.exactlyOnce(packetId, note));
    }

    /** What members of Shared Subscriptions could not take. */
    private void keepForOthers(Publication left, Runnable then) {
        waitingForStore++;
        connection.writes().keep(left, left.copies(), false, whenKept(left, 0, then));
    }

    private Consumer<JournalWrite.Outcome> whenKept(Publication publication, int packetId, Runnable committed) {
        return outcome -> connection.loop().execute(() -> kept(publication, packetId, outcome, committed));
    }

    private void kept(Publication publication, int packetId, JournalWrite.Outcome outcome, Runnable committed) {
        waitingForStore--;
        if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
        else letters.giveUpAll();
        // Without its session, what else the client published before its DISCONNECT still goes on.
        var isLost = finishing && outcome == JournalWrite.Outcome.GONE;
        Runnable passOn = () -> parts.deliveries().passOn(publication, others, committed);
        connection.writes().answered(isLost ? JournalWrite.Outcome.FENCED : outcome, passOn);
        // The client has come back elsewhere, and sends it again; or its session is gone.
        if (finishing && packetId != 0 && outcome != JournalWrite.Outcome.COMMITTED)
            connection.answered(new Event.Accepted(packetId, ReasonCode.SESSION_TAKEN_OVER));
    }

    /** Whether a PUBLISH has to be held. */
    boolean holdsBack(Packet.Publish publish) {
        return !renewals.concern(publish) && uplink.holdsBack(publish);
    }

    /** Whether anything still waits for its check, for Kafka or for PostgreSQL. */
    boolean isWaiting() {
        return uplink.isWaiting() || waitingForStore > 0 || letters.isWaiting();
    }

    /** Whether something waits for {@link #retry}. */
    boolean isStalled() {
        return uplink.isStalled();
    }

    void retry() {
        uplink.retry();
    }

    /**
     * The client has said DISCONNECT, and what it has published goes on.
     *
     * @param sessionGoesOn whether its QoS 2 packet identifiers are still to be remembered
     */
    void finish(boolean sessionGoesOn) {
        durable = durable && sessionGoesOn;
        finishing = true;
    }

    /** Gives up what Kafka's producer has not taken; may be called again. */
    void close() {
        parts.meters().abandoned(uplink.close());
    }
}

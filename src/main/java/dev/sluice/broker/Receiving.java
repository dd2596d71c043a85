package dev.sluice.broker;

import dev.sluice.access.rule.Requester;
import dev.sluice.broker.routing.LiveSubscription;
import dev.sluice.broker.routing.Publication;
import dev.sluice.config.RulesConfig.OnLostRight;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Delivery;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.session.Screening;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.delivery.RetainedReader;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The receiving side of one client: its subscriptions, its queue in PostgreSQL, retained messages. Confined to
 * the connection's event loop.
 */
final class Receiving {
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Event DELETED = new Event.Deleted();

    private final Connection connection;
    private final ConnectionParts parts;
    private final RetainedMessages retained;
    private final ClientRights rights;
    private final boolean durable;
    /** Rows of the queue up to here may have been sent on an earlier connection. */
    private final long sentSeq;

    private final RetainedTransfers transfers;
    private final SubscriptionReview review;
    private final SharedReturns returns;
    private final SubscriptionBounds bounds;

    /** @param rights null if everything is allowed */
    Receiving(
            Connection connection,
            ConnectionParts parts,
            RetainedMessages retained,
            ClientRights rights,
            Grant grant,
            boolean durable,
            long sentSeq) {
        this.connection = connection;
        this.parts = parts;
        this.retained = retained;
        this.rights = rights;
        this.durable = durable;
        this.sentSeq = sentSeq;
        this.bounds = new SubscriptionBounds(connection, connection.proof()::clientLimits, parts);
        var quota = parts.limits().sendQuota(grant);
        this.transfers = new RetainedTransfers(
                connection,
                retained,
                parts.meters(),
                durable,
                new MissedTopics(
                        parts.memory(),
                        parts.limits().queueCount(),
                        parts.limits().queueBytes()),
                Math.min(quota, parts.limits().queuePage()));
        this.returns = new SharedReturns(
                connection, parts.router(), parts.deliveries(), this::keepForOthers, parts::hasLoaded);
        this.review = new SubscriptionReview(connection, parts.router(), rights, transfers, durable);
    }

    /** What the client may still have of the subscriptions that its session has; it loses the others for good. */
    List<StoredSubscription> resumed(OpenedSession opened) {
        var lost = new ArrayList<String>();
        var left = review.resumed(opened, lost);
        forget(lost);
        return left;
    }

    /** The rules have changed, or what is known of the client. */
    void judgeAgain(Requester requester) {
        var lost = review.judgeAgain(requester);
        forget(lost);
        if (lost.isEmpty() || parts.onLostRight() != OnLostRight.DISCONNECT) return;
        var why = "the rules have changed: the client may no longer subscribe to " + TraceText.line(lost.getFirst());
        connection.on(new Event.Ended(ReasonCode.NOT_AUTHORIZED, why));
    }

    private void forget(List<String> filters) {
        if (!durable || filters.isEmpty()) return;
        connection
                .writes()
                .submit(new JournalWrite.Unsubscribe(
                        connection.clientId(),
                        connection.epoch(),
                        filters,
                        connection.writes().thenOnLoop(() -> parts.fleetSubscriptions()
                                .unsubscribed(connection, filters, () -> {}))));
    }

    void perform(Effect.OfReceiver effect) {
        switch (effect) {
            case Effect.Acknowledge(var seq, var upTo) -> acknowledge(seq, upTo);
            case Effect.MarkReceived(var seq) -> markReceived(seq);
            case Effect.AssignPacketId(var seq, var packetId) -> assignPacketId(seq, packetId);
            case Effect.LoadQueue(var afterSeq, var limit) -> loadQueue(afterSeq, limit);
            case Effect.Drop(var delivery, var why) -> dropped(delivery, why);
            case Effect.Subscribe(var subscribe) -> subscribe(subscribe);
            case Effect.Unsubscribe(var unsubscribe) -> unsubscribe(unsubscribe);
            case Effect.Return(var left) -> returns.giveBack(left);
        }
    }

    /**
     * Subscribes at once, so that the client gets what it publishes next; acknowledges once the subscriptions are committed, and all other
     * gateways know of them.
     */
    private void subscribe(Packet.Subscribe subscribe) {
        var identifiers = subscribe.properties().subscriptionIdentifiers();
        var identifier = identifiers.isEmpty() ? 0 : identifiers.getFirst();
        var answers = new FilterAnswers(parts);
        var granted = new ArrayList<StoredSubscription>();
        var owed = new ArrayList<Long>();
        var begun = new ArrayList<Runnable>();
        var filters = new ArrayList<TopicFilter>();
        for (var asked : subscribe.subscriptions()) {
            var filter = answers.read(asked.filter());
            if (filter == null || !bounds.admit(filter, answers)) continue;
            var allowed = rights == null ? asked : rights.granted(asked, filter, answers);
            if (allowed == null) continue;
            answers.grant(allowed.maximumQoS());
            var stored = LiveSubscription.stored(allowed, identifier);
            granted.add(stored);
            filters.add(filter);
            owed.add(subscribe(filter, stored, begun));
        }
        var committed = new Countdown(2, () -> {
            connection.on(new Event.Subscribed(subscribe.packetId(), answers.reasons(), answers.why()));
            begun.forEach(Runnable::run);
        });
        if (!parts.remote().interest().awaitSeen(connection, filters, () -> inALaterTurn(committed))) committed.run();
        if (!durable || granted.isEmpty()) {
            inALaterTurn(committed);
            return;
        }
        var writes = connection.writes();
        var then = writes.thenSeen(seen -> parts.fleetSubscriptions().subscribed(connection, granted, seen), committed);
        writes.submit(new JournalWrite.Subscribe(connection.clientId(), connection.epoch(), granted, owed, then));
    }

    /** The client may be read on after it: answers that wait for nothing but a turn of the others. */
    private void inALaterTurn(Runnable answer) {
        connection.loop().execute(() -> {
            answer.run();
            connection.progressed();
        });
    }

    /**
     * Returns what the subscription is owed of retained messages [MQTT-3.3.1-9] to [MQTT-3.3.1-11], as {@link JournalWrite.Subscribe}
     * names it; nothing for a Shared Subscription.
     *
     * @param begun takes what is to be done once it is committed
     */
    private long subscribe(TopicFilter filter, StoredSubscription stored, List<Runnable> begun) {
        var begin = retained.topics().begin(() -> parts.router().subscribe(connection, durable, filter, stored));
        var subscription = find(filter);
        // A later connection of the client has the session.
        if (subscription == null || subscription.group() != null) return JournalWrite.Subscribe.NO_RETAINED;
        var isNew = begin.answer();
        if (stored.retainHandling() == 1 && !isNew) {
            transfers.replace(subscription);
            return JournalWrite.Subscribe.RETAINED_AS_BEFORE;
        }
        transfers.end(subscription.filter());
        if (stored.retainHandling() == 2) return JournalWrite.Subscribe.NO_RETAINED;
        if (subscription.filter().isServers()) begun.add(() -> sendFigures(subscription));
        if (!retained.mayMatch(subscription.filter())) return JournalWrite.Subscribe.NO_RETAINED;
        // Others retain by their clocks, and until they know of this: what they do is given rather twice than not at
        // all. So is what was retained by an earlier clock, before all stamps are read.
        var isAlone = parts.remote().isAlone() && retained.topics().isLoaded();
        var since = isAlone ? begin.stamp() : begin.stamp() + RetainedTransfers.OTHER_CLOCKS;
        var transfer = transfers.add(subscription, since, isAlone ? since : Long.MAX_VALUE, null);
        begun.add(() -> transfers.start(transfer));
        return since;
    }

    /** The present figures of the server itself, which PostgreSQL does not keep. */
    private void sendFigures(LiveSubscription subscription) {
        parts.sysTopics().matching(subscription.filter(), message -> {
            if (!connection.isClosed()) connection.delivered(RetainedTransfer.delivery(subscription, message));
        });
    }

    private LiveSubscription find(TopicFilter filter) {
        var subscriber = parts.router().find(connection.clientId());
        var isOwn = subscriber != null && subscriber.recipient() == connection;
        return isOwn ? subscriber.subscriptions().get(filter) : null;
    }

    /**
     * Goes on with what an earlier connection of the session was given a part of.
     *
     * @param begun since when the client is given what is published
     */
    void resumeRetained(long begun) {
        Runnable again = () -> connection.loop().after(RETRY, () -> resumeRetained(begun));
        Runnable reading = () -> {
            var due = retained.reader().due(connection.clientId(), connection.epoch());
            connection.loop().execute(() -> due.forEach(one -> resume(one, begun)));
        };
        if (!connection.isClosed()) StoreThreads.read(connection.clientId(), reading, again, connection::unreadable);
    }

    private void resume(RetainedReader.Due due, long begun) {
        var subscription = find(TopicFilter.of(due.filter()));
        if (subscription == null || transfers.has(subscription.filter())) return;
        transfers.start(transfers.add(subscription, due.since(), begun, due.after()));
    }

    /** A message comes to the client as it is published, or from a transfer. Returns whether it is for its session. */
    boolean takes(Delivery delivery) {
        if (connection.isClosed()) return !returns.passOn(delivery);
        if (!transfers.takes(delivery)) return true;
        parts.meters().dropped(connection.clientId(), Effect.Why.QUEUE_FULL);
        return false;
    }

    /** The client has gone. */
    void close() {
        transfers.close();
    }

    /** A message was dropped, unless another member of its Shared Subscription has room for it. */
    private void dropped(Delivery delivery, Effect.Why why) {
        var isForRoom = why == Effect.Why.QUEUE_FULL || why == Effect.Why.MEMORY_FULL;
        if (isForRoom && returns.hasRoomElsewhere(delivery)) return;
        parts.meters().dropped(connection.clientId(), why);
        if (isForRoom) transfers.missed(delivery);
    }

    /** Looks at a message before it is sent. */
    Screening screen(Delivery delivery) {
        if (rights != null && !rights.mayBeGiven(delivery)) return Screening.FORBIDDEN;
        return transfers.isOutdated(delivery) ? Screening.OUTDATED : Screening.SEND;
    }

    private void unsubscribe(Packet.Unsubscribe unsubscribe) {
        var answers = new FilterAnswers(parts);
        var ended = new ArrayList<String>();
        var shared = new ArrayList<TopicFilter>(0);
        for (var text : unsubscribe.filters()) {
            var filter = answers.read(text);
            if (filter == null) continue;
            transfers.end(filter);
            var reason = parts.router().unsubscribe(connection, filter);
            answers.answer(reason);
            if (reason != ReasonCode.SUCCESS) continue;
            ended.add(text);
            if (filter.isShared()) shared.add(filter);
        }
        // Of a Shared Subscription it is no member any more, wherever a message is published.
        var committed = new Countdown(
                2,
                () -> connection.on(new Event.Unsubscribed(unsubscribe.packetId(), answers.reasons(), answers.why())));
        if (!parts.remote().interest().awaitSeen(connection, shared, () -> inALaterTurn(committed))) committed.run();
        if (!durable || ended.isEmpty()) {
            inALaterTurn(committed);
            return;
        }
        var writes = connection.writes();
        var then = writes.thenSeen(seen -> parts.fleetSubscriptions().unsubscribed(connection, ended, seen), committed);
        writes.submit(new JournalWrite.Unsubscribe(connection.clientId(), connection.epoch(), ended, then));
    }

    private void acknowledge(long seq, long sentSeq) {
        connection
                .writes()
                .submit(new JournalWrite.Acknowledge(
                        connection.clientId(),
                        connection.epoch(),
                        seq,
                        sentSeq,
                        connection.writes().thenOnLoop(() -> connection.on(DELETED))));
    }

    private void markReceived(long seq) {
        connection
                .writes()
                .submit(new JournalWrite.MarkReceived(
                        connection.clientId(),
                        connection.epoch(),
                        seq,
                        connection.writes().thenOnLoop(() -> connection.on(new Event.Marked(seq)))));
    }

    private void assignPacketId(long seq, int packetId) {
        connection
                .writes()
                .submit(new JournalWrite.AssignPacketId(
                        connection.clientId(),
                        connection.epoch(),
                        seq,
                        packetId,
                        connection.writes().thenOnLoop(() -> connection.on(new Event.PacketIdAssigned(seq)))));
    }

    /** Reads the next page of the client's queue, on a virtual thread. */
    private void loadQueue(long afterSeq, int limit) {
        Runnable reading = () -> {
            var page = parts.queues().page(connection.clientId(), afterSeq, limit, Effect.LoadQueue.MOST_BYTES);
            var rows = page.rows().stream().map(this::delivery).toList();
            connection.tell(new Event.QueueLoaded(rows, page.more()));
        };
        Runnable away = () -> connection.tell(new Event.QueueFailed());
        StoreThreads.read(connection.clientId(), reading, away, connection::unreadable);
    }

    private Delivery delivery(QueueReader.Row row) {
        return new Delivery(
                row.message(),
                row.qos(),
                row.retain(),
                row.subscriptionIdentifiers(),
                row.share(),
                row.seq(),
                row.seq() <= sentSeq,
                row.received(),
                null,
                row.packetId());
    }

    /** What other members of Shared Subscriptions get in the client's place. */
    SharedReturns returns() {
        return returns;
    }

    private void keepForOthers(Publication publication, Runnable then) {
        connection.writes().keep(publication, publication.copies(), false, outcome -> connection
                .loop()
                .execute(() -> {
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                    then.run();
                }));
    }
}

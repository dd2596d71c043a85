package dev.sluice.broker;

import dev.sluice.broker.routing.LiveSubscription;
import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.session.Delivery;
import dev.sluice.session.Event;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The receiving side of one client: its subscriptions, its queue in PostgreSQL, retained messages. Confined to
 * the connection's event loop.
 */
final class Receiving {
    /** Most bytes of one page of the queue. */
    private static final long PAGE_BYTES = 256 * 1024;

    private final Connection connection;
    private final ConnectionParts parts;
    private final RetainedMessages retained;
    private final boolean durable;
    /** Rows of the queue up to here may have been sent on an earlier connection. */
    private final long sentSeq;
    /** Filters whose retained messages are due, while those of earlier ones are being sent. */
    private Set<TopicFilter> retainedDue = Set.of();

    private boolean sendingRetained;

    Receiving(Connection connection, ConnectionParts parts, RetainedMessages retained, boolean durable, long sentSeq) {
        this.connection = connection;
        this.parts = parts;
        this.retained = retained;
        this.durable = durable;
        this.sentSeq = sentSeq;
    }

    /** Subscribes at once, so that the client gets what it publishes next; acknowledges once the subscriptions are committed. */
    void subscribe(Packet.Subscribe subscribe) {
        var identifiers = subscribe.properties().subscriptionIdentifiers();
        var identifier = identifiers.isEmpty() ? 0 : identifiers.getFirst();
        var reasons = new ArrayList<ReasonCode>();
        var granted = new ArrayList<StoredSubscription>();
        var wanted = new ArrayList<TopicFilter>();
        for (var asked : subscribe.subscriptions()) {
            var reason = reason(asked);
            reasons.add(reason);
            if (reason.isError()) continue;
            var stored = LiveSubscription.stored(asked, identifier);
            granted.add(stored);
            if (subscribe(stored)) wanted.add(TopicFilter.of(stored.filter()));
        }
        Runnable committed = () -> {
            connection.on(new Event.Subscribed(subscribe.packetId(), reasons));
            sendRetained(wanted);
        };
        if (!durable || granted.isEmpty()) connection.loop().execute(committed);
        else
            connection.journal(new JournalWrite.Subscribe(
                    connection.clientId(), connection.epoch(), granted, connection.thenOnLoop(committed)));
    }

    /** Whether retained messages are due [MQTT-3.3.1-9] to [MQTT-3.3.1-11]; never for a Shared Subscription. */
    private boolean subscribe(StoredSubscription stored) {
        var isNew = parts.router().subscribe(connection, durable, stored);
        if (TopicFilter.isShared(stored.filter())) return false;
        return stored.retainHandling() == 0 || stored.retainHandling() == 1 && isNew;
    }

    /** Each connection has one reader of retained messages: further filters wait until it is done. */
    private void sendRetained(List<TopicFilter> filters) {
        if (!filters.isEmpty() && retainedDue.isEmpty()) retainedDue = new LinkedHashSet<>();
        if (!filters.isEmpty()) retainedDue.addAll(filters);
        if (sendingRetained || retainedDue.isEmpty() || connection.isClosed()) return;
        sendingRetained = true;
        var next = List.copyOf(retainedDue);
        retainedDue.clear();
        retained.send(next, connection, () -> {
            sendingRetained = false;
            sendRetained(List.of());
        });
    }

    private ReasonCode reason(Subscription asked) {
        if (TopicFilter.mistake(asked.filter()).isPresent()) return ReasonCode.TOPIC_FILTER_INVALID;
        if (TopicFilter.of(asked.filter()).isServers() && !parts.sysTopics().isOn()) return ReasonCode.NOT_AUTHORIZED;
        if (isOneTooMany(asked)) {
            parts.meters().subscriptionRefused();
            return ReasonCode.QUOTA_EXCEEDED;
        }
        return switch (asked.maximumQoS()) {
            case AT_MOST_ONCE -> ReasonCode.SUCCESS;
            case AT_LEAST_ONCE -> ReasonCode.GRANTED_QOS_1;
            case EXACTLY_ONCE -> ReasonCode.GRANTED_QOS_2;
        };
    }

    /** A subscription that replaces another one does not count. */
    private boolean isOneTooMany(Subscription asked) {
        var subscriber = parts.router().find(connection.clientId());
        var isOwn = subscriber != null && subscriber.recipient() == connection;
        var subscriptions = isOwn ? subscriber.subscriptions() : Map.<TopicFilter, LiveSubscription>of();
        return subscriptions.size() >= parts.config().subscriptionsMaximum()
                && !subscriptions.containsKey(TopicFilter.of(asked.filter()));
    }

    void unsubscribe(Packet.Unsubscribe unsubscribe) {
        var reasons = unsubscribe.filters().stream().map(this::unsubscribe).toList();
        Runnable committed = () -> connection.on(new Event.Unsubscribed(unsubscribe.packetId(), reasons));
        if (!durable) connection.loop().execute(committed);
        else
            connection.journal(new JournalWrite.Unsubscribe(
                    connection.clientId(),
                    connection.epoch(),
                    unsubscribe.filters(),
                    connection.thenOnLoop(committed)));
    }

    private ReasonCode unsubscribe(String filter) {
        if (TopicFilter.mistake(filter).isPresent()) return ReasonCode.TOPIC_FILTER_INVALID;
        return parts.router().unsubscribe(connection, TopicFilter.of(filter));
    }

    void acknowledge(long seq, long sentSeq) {
        connection.journal(new JournalWrite.Acknowledge(
                connection.clientId(), connection.epoch(), seq, sentSeq, connection.thenOnLoop(() -> {})));
    }

    void markReceived(long seq) {
        connection.journal(new JournalWrite.MarkReceived(
                connection.clientId(),
                connection.epoch(),
                seq,
                connection.thenOnLoop(() -> connection.on(new Event.Marked(seq)))));
    }

    void assignPacketId(long seq, int packetId) {
        connection.journal(new JournalWrite.AssignPacketId(
                connection.clientId(),
                connection.epoch(),
                seq,
                packetId,
                connection.thenOnLoop(() -> connection.on(new Event.PacketIdAssigned(seq)))));
    }

    /** Reads the next page of the client's queue, on a virtual thread. */
    void loadQueue(long afterSeq, int limit) {
        Runnable reading = () -> {
            var page = parts.queues().page(connection.clientId(), afterSeq, limit, PAGE_BYTES);
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

    /** Gives the messages that a member of a Shared Subscription has left to other members [MQTT-4.8.2-5]. */
    void giveBack(List<Delivery> left) {
        for (var delivery : left) {
            var match =
                    parts.router().another(delivery.share(), delivery.message().topicName(), connection);
            if (match != null) give(Publication.of(delivery.message().unretained(), List.of(match)));
        }
    }

    /** Delivers a message whose sender waits for no answer. */
    void give(Publication publication) {
        parts.deliveries().send(publication);
        if (!publication.hasCopies()) return;
        connection.journal(JournalWrite.Accept.unfenced(
                connection.clientId(), publication.message(), publication.copies(), false, outcome -> {
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                }));
    }
}

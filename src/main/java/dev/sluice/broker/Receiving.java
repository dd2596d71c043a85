package dev.sluice.broker;

import dev.sluice.broker.routing.Interest;
import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.Message;
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
 * What one client subscribes to and what it is sent: its subscriptions, its queue in PostgreSQL, retained messages. Confined to
 * the connection's event loop.
 */
public final class Receiving {
    /** Most bytes of one page of the queue. */
    private static final long PAGE_BYTES = 256 * 1024;

    private final Connection connection;
    private final Broker broker;
    private final boolean durable;
    /** Rows of the queue up to here may have been sent on an earlier connection. */
    private final long sentSeq;
    /** Filters whose retained messages are due, while those of earlier ones are being sent. */
    private Set<TopicFilter> retainedDue = Set.of();

    private boolean sendingRetained;

    Receiving(Connection connection, Broker broker, boolean durable, long sentSeq) {
        this.connection = connection;
        this.broker = broker;
        this.durable = durable;
        this.sentSeq = sentSeq;
    }

    /** In force at once, so that what the client publishes next finds it; acknowledged once it is durable. */
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
            var stored = Interest.stored(asked, identifier);
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
                    connection.clientId(), connection.epoch(), granted, connection.journalled(committed)));
    }

    /** Whether retained messages are due [MQTT-3.3.1-9] to [MQTT-3.3.1-11]; never for a Shared Subscription. */
    private boolean subscribe(StoredSubscription stored) {
        var isNew = broker.router().subscribe(connection, durable, stored);
        if (stored.filter().startsWith("$share/")) return false;
        return stored.retainHandling() == 0 || stored.retainHandling() == 1 && isNew;
    }

    /** One reader for each connection: filters that come meanwhile wait until it is through. */
    private void sendRetained(List<TopicFilter> filters) {
        if (!filters.isEmpty() && retainedDue.isEmpty()) retainedDue = new LinkedHashSet<>();
        if (!filters.isEmpty()) retainedDue.addAll(filters);
        if (sendingRetained || retainedDue.isEmpty() || connection.isClosed()) return;
        sendingRetained = true;
        var next = List.copyOf(retainedDue);
        retainedDue.clear();
        broker.retained().send(next, connection, () -> {
            sendingRetained = false;
            sendRetained(List.of());
        });
    }

    private ReasonCode reason(Subscription asked) {
        if (TopicFilter.mistake(asked.filter()).isPresent()) return ReasonCode.TOPIC_FILTER_INVALID;
        if (TopicFilter.of(asked.filter()).isBelow(SysTopics.PREFIX)
                && !broker.sysTopics().isOn()) return ReasonCode.NOT_AUTHORIZED;
        if (isOneTooMany(asked)) {
            broker.meters().subscriptionRefused();
            return ReasonCode.QUOTA_EXCEEDED;
        }
        return switch (asked.maximumQoS()) {
            case AT_MOST_ONCE -> ReasonCode.SUCCESS;
            case AT_LEAST_ONCE -> ReasonCode.GRANTED_QOS_1;
            case EXACTLY_ONCE -> ReasonCode.GRANTED_QOS_2;
        };
    }

    /** One that replaces another adds none. */
    private boolean isOneTooMany(Subscription asked) {
        var subscriber = broker.router().find(connection.clientId());
        var isOwn = subscriber != null && subscriber.connection() == connection;
        var interests = isOwn ? subscriber.interests() : Map.<TopicFilter, Interest>of();
        return interests.size() >= broker.config().subscriptionsMaximum()
                && !interests.containsKey(TopicFilter.of(asked.filter()));
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
                    connection.journalled(committed)));
    }

    private ReasonCode unsubscribe(String filter) {
        if (TopicFilter.mistake(filter).isPresent()) return ReasonCode.TOPIC_FILTER_INVALID;
        return broker.router().unsubscribe(connection, TopicFilter.of(filter));
    }

    void acknowledge(long seq, long sentSeq) {
        connection.journal(new JournalWrite.Acknowledge(
                connection.clientId(), connection.epoch(), seq, sentSeq, connection.journalled(() -> {})));
    }

    void markReceived(long seq) {
        connection.journal(new JournalWrite.MarkReceived(
                connection.clientId(),
                connection.epoch(),
                seq,
                connection.journalled(() -> connection.on(new Event.Marked(seq)))));
    }

    /** Reads on in the client's queue, on a virtual thread. */
    void loadQueue(long afterSeq, int limit) {
        broker.read(connection, () -> connection.tell(new Event.QueueFailed()), () -> {
            var page = broker.queues().page(connection.clientId(), afterSeq, limit, PAGE_BYTES);
            var rows = page.rows().stream().map(this::delivery).toList();
            connection.tell(new Event.QueueLoaded(rows, page.more()));
        });
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
                row.received());
    }

    /** Gives what a member of a Shared Subscription left behind to another one [MQTT-4.8.2-5]. */
    void giveBack(List<Delivery> left) {
        for (var delivery : left) {
            var match =
                    broker.router().another(delivery.share(), delivery.message().topicName(), connection);
            if (match != null) give(Publication.of(unretained(delivery.message()), List.of(match)));
        }
    }

    /** Delivers a message that nobody waits for an answer to. */
    void give(Publication publication) {
        publication.deliver(broker.underWay());
        if (publication.copies().isEmpty()) return;
        connection.journal(JournalWrite.Accept.unfenced(
                connection.clientId(), publication.message(), publication.copies(), false, outcome -> {
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                }));
    }

    public static Message unretained(Message message) {
        return new Message(
                message.topicName(),
                message.qos(),
                false,
                message.properties(),
                message.payload(),
                message.expiresAt());
    }
}

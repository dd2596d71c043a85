package dev.sluice.broker;

import dev.sluice.broker.routing.LiveSubscription;
import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Delivery;
import dev.sluice.session.Event;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
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
        var answers = new FilterAnswers(parts);
        var granted = new ArrayList<StoredSubscription>();
        var wanted = new ArrayList<TopicFilter>();
        for (var asked : subscribe.subscriptions()) {
            var filter = answers.read(asked.filter());
            if (filter == null || !isAdmitted(filter, answers)) continue;
            answers.grant(asked.maximumQoS());
            var stored = LiveSubscription.stored(asked, identifier);
            granted.add(stored);
            if (subscribe(filter, stored)) wanted.add(filter);
        }
        Runnable committed = () -> {
            connection.on(new Event.Subscribed(subscribe.packetId(), answers.reasons(), answers.why()));
            sendRetained(wanted);
        };
        if (!durable || granted.isEmpty()) inALaterTurn(committed);
        else
            connection.journal(new JournalWrite.Subscribe(
                    connection.clientId(), connection.epoch(), granted, connection.thenOnLoop(committed)));
    }

    /** The client may be read on after it: answers that wait for nothing but a turn of the others. */
    private void inALaterTurn(Runnable answer) {
        connection.loop().execute(() -> {
            answer.run();
            connection.progressed();
        });
    }

    /** Whether retained messages are due [MQTT-3.3.1-9] to [MQTT-3.3.1-11]; never for a Shared Subscription. */
    private boolean subscribe(TopicFilter filter, StoredSubscription stored) {
        var isNew = parts.router().subscribe(connection, durable, filter, stored);
        if (filter.isShared()) return false;
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

    /** Whether the client may have this subscription, too; one that replaces another does not count. */
    private boolean isAdmitted(TopicFilter filter, FilterAnswers answers) {
        if (filter.isServers() && !parts.sysTopics().isOn()) {
            answers.refuse(ReasonCode.NOT_AUTHORIZED, "the topics below $SYS/ are off (sluice.mqtt.sys-interval)");
            return false;
        }
        var subscriber = parts.router().find(connection.clientId());
        if (subscriber == null || subscriber.recipient() != connection) return true;
        if (subscriber.subscriptions().containsKey(filter)) return true;
        var config = parts.config();
        if (subscriber.subscriptions().size() >= config.subscriptionsMaximum()) {
            parts.meters().subscriptionRefused();
            answers.exceed(
                    "subscriptions-maximum",
                    "the client has " + config.subscriptionsMaximum() + " subscriptions, as many as it may");
            return false;
        }
        if (subscriber.filterBytes() + filter.bytes() > config.subscriptionBytesMaximum()) {
            answers.exceed(
                    "subscription-bytes-maximum",
                    "the client's Topic Filters have " + config.subscriptionBytesMaximum()
                            + " bytes, as many as they may");
            return false;
        }
        return true;
    }

    void unsubscribe(Packet.Unsubscribe unsubscribe) {
        var answers = new FilterAnswers(parts);
        var ended = new ArrayList<String>();
        for (var text : unsubscribe.filters()) {
            var filter = answers.read(text);
            if (filter == null) continue;
            var reason = parts.router().unsubscribe(connection, filter);
            answers.answer(reason);
            if (reason == ReasonCode.SUCCESS) ended.add(text);
        }
        Runnable committed =
                () -> connection.on(new Event.Unsubscribed(unsubscribe.packetId(), answers.reasons(), answers.why()));
        if (!durable || ended.isEmpty()) inALaterTurn(committed);
        else
            connection.journal(new JournalWrite.Unsubscribe(
                    connection.clientId(), connection.epoch(), ended, connection.thenOnLoop(committed)));
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
                row.received());
    }

    /** Gives the messages that a member of a Shared Subscription has left to other members [MQTT-4.8.2-5]. */
    void giveBack(List<Delivery> left) {
        for (var delivery : left) {
            var match = parts.router().another(delivery.share(), connection);
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

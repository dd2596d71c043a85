package dev.sluice.broker;

import dev.sluice.broker.routing.LiveSubscription;
import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.packet.Message;
import dev.sluice.session.Delivery;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Owns the transfers of retained messages to one client: one for each subscription that is owed some, one at a time. Confined to the
 * connection's event loop.
 */
final class RetainedTransfers {
    private final RetainedRecipient connection;
    private final RetainedMessages retained;
    private final boolean durable;
    private final int mostCopies;
    /** In the order in which they are due; bounded like subscriptions. */
    private Map<TopicFilter, RetainedTransfer> due = Map.of();

    private RetainedTransfer current;

    /** @param mostCopies how many messages a queue in PostgreSQL is given at a time */
    RetainedTransfers(RetainedRecipient connection, RetainedMessages retained, boolean durable, int mostCopies) {
        this.connection = connection;
        this.retained = retained;
        this.durable = durable;
        this.mostCopies = mostCopies;
    }

    /**
     * Adds a transfer, to be {@link #start started} once the subscription is committed.
     *
     * @param since as PostgreSQL has it
     * @param begun as in {@link RetainedTransfer}
     * @param after the last topic that the subscription has been given, null for none
     */
    RetainedTransfer add(LiveSubscription subscription, long since, long begun, TopicName after) {
        end(subscription.filter());
        var transfer = durable
                ? new DurableTransfer(connection, retained, this::over, subscription, since, begun, after, mostCopies)
                : new LiveTransfer(connection, retained, this::over, subscription, begun);
        if (due.isEmpty()) due = new LinkedHashMap<>();
        due.put(subscription.filter(), transfer);
        return transfer;
    }

    boolean has(TopicFilter filter) {
        return due.containsKey(filter);
    }

    void start(RetainedTransfer transfer) {
        transfer.committed();
        next();
    }

    /** The client has unsubscribed, or subscribed anew. */
    void end(TopicFilter filter) {
        if (due.isEmpty()) return;
        var transfer = due.remove(filter);
        if (transfer == null) return;
        transfer.end();
        if (transfer == current) next();
    }

    /** The subscription has other options, and is still owed what it was owed. */
    void replace(LiveSubscription subscription) {
        var transfer = due.get(subscription.filter());
        if (transfer != null) transfer.replace(subscription);
    }

    private void over(RetainedTransfer transfer) {
        if (due.get(transfer.subscription().filter()) == transfer)
            due.remove(transfer.subscription().filter());
        if (transfer == current) next();
    }

    private void next() {
        if (current != null && due.get(current.subscription().filter()) == current) return;
        current = null;
        for (var transfer : due.values()) {
            if (!transfer.isCommitted()) continue;
            current = transfer;
            transfer.run();
            return;
        }
    }

    /** The client gets a newer retained message of this topic as it comes. */
    void overtaken(TopicName topicName) {
        if (current != null) current.overtaken(topicName);
    }

    /** The client does not get a newer retained message, since too much waits for it. */
    void missed(Message message) {
        for (var transfer : due.values())
            if (transfer.subscription().filter().matches(message.topicName())) transfer.missed(message.topicName());
    }

    /** Whether a message of the client's queue is a retained one of which the client has seen a newer one. */
    boolean isOutdated(Delivery delivery) {
        var isCopy = delivery.retain() && !delivery.message().retain();
        return isCopy
                && current != null
                && current.isOvertaken(delivery.message().topicName());
    }
}

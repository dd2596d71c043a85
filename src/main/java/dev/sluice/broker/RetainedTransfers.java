package dev.sluice.broker;

import dev.sluice.broker.routing.LiveSubscription;
import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.packet.Message;
import dev.sluice.session.Delivery;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Owns the transfers of retained messages to one client: one for each subscription that is owed some, one at a time. Confined to the
 * connection's event loop.
 *
 * <p>It notes topics of which the client missed a newer message, since too much waits for it. When too many are noted, transfers are made to go
 * through all topics again for what is newer than then, and the client gets no such message as it comes: so little more is noted,
 * and nothing comes twice.
 */
final class RetainedTransfers {
    /** So far may the clocks of two gateways be apart; microseconds. */
    static final long OTHER_CLOCKS = 10_000_000;

    private final RetainedRecipient connection;
    private final RetainedMessages retained;
    private final BrokerMeters meters;
    private final boolean durable;
    private final int mostCopies;
    private final MissedTopics missed;
    /** In the order in which they are due; bounded like subscriptions. */
    private Map<TopicFilter, RetainedTransfer> due = Map.of();

    private RetainedTransfer current;
    /** Whether one may be made to go through all topics again. */
    private boolean goesAgain;

    private boolean isRestarting;

    /**
     * @param missed those of the client, none yet
     * @param mostCopies how many messages a queue in PostgreSQL is given at a time
     */
    RetainedTransfers(
            RetainedRecipient connection,
            RetainedMessages retained,
            BrokerMeters meters,
            boolean durable,
            MissedTopics missed,
            int mostCopies) {
        this.connection = connection;
        this.retained = retained;
        this.meters = meters;
        this.durable = durable;
        this.missed = missed;
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
                ? new DurableTransfer(connection, retained, this, subscription, since, begun, after, mostCopies)
                : new LiveTransfer(connection, retained, this, subscription, begun);
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
        // What was left to it, others may owe, too.
        for (var other : due.values()) other.catchUp().again(transfer.catchUp().again());
        clearIfOver();
        if (transfer == current) next();
    }

    /** The client has gone. */
    void close() {
        var all = due.values();
        due = Map.of();
        all.forEach(RetainedTransfer::end);
        missed.clear();
    }

    MissedTopics missed() {
        return missed;
    }

    /** The subscription has other options, and is still owed what it was owed. */
    void replace(LiveSubscription subscription) {
        var transfer = due.get(subscription.filter());
        if (transfer != null) transfer.replace(subscription);
    }

    /** It has nothing more to do. */
    void over(RetainedTransfer transfer) {
        if (due.get(transfer.subscription().filter()) == transfer)
            due.remove(transfer.subscription().filter());
        clearIfOver();
        if (transfer == current) next();
    }

    private void clearIfOver() {
        if (!due.isEmpty()) return;
        missed.clear();
        goesAgain = false;
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

    /**
     * A message is there for the client as it is published. Returns whether it need not get it, since a transfer gives it later, or a newer one
     * of its topic.
     */
    boolean takes(Delivery delivery) {
        var message = delivery.message();
        if (due.isEmpty() || !message.retain()) return false;
        if (isInMemoryOnly(delivery) && isTaken(message)) return true;
        missed.remove(message.topicName());
        if (current != null) current.overtaken(message.topicName());
        return false;
    }

    /** The one that is under way may have it in its page; of the others one is enough. */
    private boolean isTaken(Message message) {
        var isOfCurrent = current != null && isFor(current, message.topicName());
        if (isOfCurrent && current.takes(message)) return true;
        // What the present one has read already comes as it is published: the next one may end before it gives it.
        if (!goesAgain || isOfCurrent && current.catchUp().hasBegun()) return false;
        for (var transfer : due.values())
            if (transfer != current && isFor(transfer, message.topicName()) && transfer.takes(message)) return true;
        return false;
    }

    private static boolean isFor(RetainedTransfer transfer, TopicName topicName) {
        return transfer.subscription().filter().matches(topicName);
    }

    /** Whether nobody else gives it: it is not in the client's queue in PostgreSQL, nobody waits for an answer, and it does not clear. */
    private static boolean isInMemoryOnly(Delivery delivery) {
        return delivery.seq() == 0
                && delivery.share() == null
                && delivery.receipt() == null
                && delivery.message().payload().length > 0;
    }

    /** The client does not get a message that it was given as it came, since too much waits for it. */
    void missed(Delivery delivery) {
        if (due.isEmpty() || !delivery.message().retain() || !isInMemoryOnly(delivery)) return;
        note(delivery.message().topicName());
    }

    /** A transfer that has read nothing yet of what is newer has to know of it; a later one is told if there is room. */
    void note(TopicName topicName) {
        var isNeeded = false;
        var isWanted = false;
        var canGoAgain = false;
        for (var transfer : due.values()) {
            if (!isFor(transfer, topicName)) continue;
            // One of another gateway, which is retained by now: all others are known.
            if (transfer.catchUp().goesThroughAll()) retained.topics().found(topicName);
            else isNeeded |= !transfer.catchUp().hasBegun();
            isWanted |= transfer.catchUp().isOpen();
            canGoAgain |= canGoAgain(transfer);
        }
        if (isNeeded || isWanted && !missed.isFull()) missed.add(topicName);
        if (!canGoAgain || !missed.isFull() || isRestarting) return;
        isRestarting = true;
        connection.loop().execute(this::goAgain);
    }

    private static boolean canGoAgain(RetainedTransfer transfer) {
        return transfer.catchUp().canGoAgain();
    }

    /** In a turn of its own, in which this thread routes nothing. What has a later stamp comes to the loop behind the task, as the lock is held. */
    private void goAgain() {
        var some = due.values().stream().filter(RetainedTransfers::canGoAgain).toList();
        isRestarting = !some.isEmpty();
        if (some.isEmpty()) return;
        meters.retainedRestarted(connection.clientId());
        var since = new CompletableFuture<Long>();
        var begun = retained.topics().begin(() -> {
            connection.loop().execute(() -> leaveTo(some, since.join()));
            return null;
        });
        since.complete(
                retained.alone().getAsBoolean() && retained.topics().isLoaded()
                        ? begun.stamp()
                        : begun.stamp() - OTHER_CLOCKS);
    }

    private void leaveTo(List<RetainedTransfer> some, long since) {
        isRestarting = false;
        goesAgain = true;
        for (var transfer : some) transfer.catchUp().again(since);
    }

    /** Whether a message of the client's queue is a retained one of which the client has seen a newer one. */
    boolean isOutdated(Delivery delivery) {
        var isCopy = delivery.retain() && !delivery.message().retain();
        return isCopy
                && current != null
                && current.isOvertaken(delivery.message().topicName());
    }
}

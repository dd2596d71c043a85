package dev.sluice.broker.routing;

import dev.sluice.cluster.RelayMessage.Chosen;
import dev.sluice.config.MqttConfig.ShareOrder;
import dev.sluice.packet.Message;
import dev.sluice.store.delivery.SharedQueues.Away;
import dev.sluice.topic.TopicFilter;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * Owns the Shared Subscriptions by their filters, and finds who of one gets a message that was meant for another member. Any thread may ask; the
 * {@link Router} adds and removes them, under its lock.
 */
public final class SharedRouting {
    private final ShareOrder order;
    private final Function<String, Subscriber> subscribers;
    private final Map<String, ShareGroup> groups = new ConcurrentHashMap<>();

    /** @param subscribers finds a client's entry, null for none */
    SharedRouting(ShareOrder order, Function<String, Subscriber> subscribers) {
        this.order = order;
        this.subscribers = subscribers;
    }

    ShareGroup group(TopicFilter filter) {
        return groups.computeIfAbsent(filter.toString(), text -> new ShareGroup(text, order));
    }

    /** Null if it has no members. */
    ShareGroup find(String share) {
        return groups.get(share);
    }

    void forget(TopicFilter filter) {
        groups.remove(filter.toString());
    }

    /** What is known here of the subscription of a client that is connected elsewhere; null for nothing. */
    LiveSubscription stored(RemoteMember member) {
        var subscriber = subscribers.apply(member.clientId());
        if (subscriber == null || subscriber.sessionId() != member.sessionId()) return null;
        return subscriber.subscriptions().get(member.filter());
    }

    /**
     * A message for another member, as one has left it unacknowledged, or has no room for it; nobody's if there is none.
     *
     * @param share the filter of the Shared Subscription, which matches the message
     * @param leaving the connection of that member, null if it has none
     * @param withRoom whether one with a full queue will not do
     */
    public Publication another(Message message, String share, Recipient leaving, boolean withRoom) {
        var group = groups.get(share);
        if (group == null) return Publication.NOBODYS;
        // Whether there is room in memory elsewhere is not known: two full queues would give it to each other for ever.
        var byLetter = !withRoom;
        return Publication.of(message, group.another(message.qos(), message.topicName(), leaving, withRoom, byLetter));
    }

    /**
     * Who gets a message that another gateway has sent for a member here: that one or another; null if there is none.
     *
     * @param mayGoOn whether that may be a member at yet another gateway
     */
    Member arrived(Message message, Chosen chosen, boolean mayGoOn) {
        var group = groups.get(chosen.share());
        return group == null ? null : group.arrived(member(chosen), message.qos(), message.topicName(), mayGoOn);
    }

    /** The members that are away, of those that have others connected here who can take a message now. */
    Iterator<Away> away() {
        return groups.values().stream()
                .filter(group -> group.hasAway() && group.readyHere() != null)
                .flatMap(ShareGroup::awaySessions)
                .iterator();
    }

    private LiveSubscription member(Chosen chosen) {
        var subscriber = subscribers.apply(chosen.clientId());
        return subscriber == null ? null : subscriber.subscriptions().get(TopicFilter.ofWellFormed(chosen.share()));
    }
}

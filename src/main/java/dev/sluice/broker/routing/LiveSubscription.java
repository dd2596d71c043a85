package dev.sluice.broker.routing;

import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;

/**
 * One subscription of one client as the {@link Router} finds it. Immutable; equal to the one that it replaces, which has the
 * same client and the same Topic Filter [MQTT-3.8.4-3].
 *
 * @param identifier Subscription Identifier, 0 for none
 * @param group the members of its Shared Subscription, null for a subscription of its own
 */
public record LiveSubscription(
        Subscriber subscriber,
        TopicFilter filter,
        QoS maximumQoS,
        boolean noLocal,
        boolean retainAsPublished,
        int identifier,
        ShareGroup group)
        implements Subscribed, Member {

    /** @param filter that of the stored one */
    static LiveSubscription of(Subscriber subscriber, TopicFilter filter, StoredSubscription stored, ShareGroup group) {
        return new LiveSubscription(
                subscriber,
                filter,
                stored.qos(),
                stored.noLocal(),
                stored.retainAsPublished(),
                stored.identifier(),
                group);
    }

    /** Whether it is this one of its client, as far as routing goes. */
    boolean isAs(StoredSubscription stored) {
        return maximumQoS == stored.qos()
                && noLocal == stored.noLocal()
                && retainAsPublished == stored.retainAsPublished()
                && identifier == stored.identifier();
    }

    /** As PostgreSQL keeps it; what it says of retained messages matters no more. */
    public StoredSubscription stored() {
        return new StoredSubscription(filter.toString(), maximumQoS, noLocal, retainAsPublished, 2, identifier);
    }

    @Override
    public String clientId() {
        return subscriber.clientId();
    }

    @Override
    public int gatewayNumber() {
        return 0;
    }

    @Override
    public boolean isReady(QoS qos) {
        return subscriber.isReady() && !subscriber.isGone();
    }

    @Override
    public boolean isAble(QoS qos) {
        if (subscriber.isGone()) return false;
        return subscriber.recipient() != null || subscriber.isDurable() && maximumQoS != QoS.AT_MOST_ONCE;
    }

    @Override
    public boolean isFull() {
        return subscriber.isFull();
    }

    @Override
    public boolean isGone() {
        return subscriber.isGone();
    }

    @Override
    public boolean isOf(Recipient recipient) {
        return subscriber.recipient() == recipient;
    }

    public static StoredSubscription stored(Subscription asked, int identifier) {
        return new StoredSubscription(
                asked.filter(),
                asked.maximumQoS(),
                asked.noLocal(),
                asked.retainAsPublished(),
                asked.retainHandling(),
                identifier);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LiveSubscription that && subscriber == that.subscriber && filter.equals(that.filter);
    }

    @Override
    public int hashCode() {
        return 31 * System.identityHashCode(subscriber) + filter.hashCode();
    }
}

package dev.sluice.store.session;

import dev.sluice.packet.QoS;

/**
 * One subscription of a persistent session. Immutable.
 *
 * @param filter the Topic Filter as sent, with the prefix of a Shared Subscription
 * @param qos granted
 * @param retainHandling 0 send retained messages, 1 only for a new subscription, 2 never
 * @param identifier Subscription Identifier, 0 for none
 */
public record StoredSubscription(
        String filter, QoS qos, boolean noLocal, boolean retainAsPublished, int retainHandling, int identifier) {
    /** The same with another QoS. */
    public StoredSubscription at(QoS other) {
        return new StoredSubscription(filter, other, noLocal, retainAsPublished, retainHandling, identifier);
    }
}

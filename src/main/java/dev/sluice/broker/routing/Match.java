package dev.sluice.broker.routing;

import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.store.journal.QueueRooms;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The one copy of a message that a client gets, however many of its subscriptions match. Confined to the thread that routes.
 */
public final class Match {
    private final Subscriber subscriber;
    private final String share;
    /** Of the share. */
    private final ShareGroup group;

    private QoS maximumQoS;
    private boolean retainAsPublished;
    private List<Integer> identifiers = List.of();
    /** The identifiers, once there are several. */
    private ArrayList<Integer> several;

    Match(LiveSubscription subscription) {
        this.subscriber = subscription.subscriber();
        this.group = subscription.group();
        this.share = group == null ? null : subscription.filter().toString();
        this.maximumQoS = subscription.maximumQoS();
        this.retainAsPublished = subscription.retainAsPublished();
        if (subscription.identifier() > 0) identifiers = List.of(subscription.identifier());
    }

    /** Takes in an overlapping subscription: the highest QoS, all identifiers [MQTT-3.3.4-2] [MQTT-3.3.4-3]. */
    void merge(LiveSubscription subscription) {
        if (subscription.maximumQoS().compareTo(maximumQoS) > 0) maximumQoS = subscription.maximumQoS();
        retainAsPublished |= subscription.retainAsPublished();
        if (subscription.identifier() == 0) return;
        if (identifiers.isEmpty()) {
            identifiers = List.of(subscription.identifier());
            return;
        }
        if (several == null) {
            several = new ArrayList<>(identifiers);
            identifiers = Collections.unmodifiableList(several);
        }
        several.add(subscription.identifier());
    }

    Subscriber subscriber() {
        return subscriber;
    }

    /** The filter of the Shared Subscription that it came by, or null. */
    public String share() {
        return share;
    }

    /** Another member of the Shared Subscription, for a message that this one cannot take; null if there is none. */
    Member another(Message message) {
        return group.another(message.qos(), message.topicName(), null, false, true);
    }

    /** The same, but with room for it; null if there is none. */
    Member withRoom(Message message, QueueRooms rooms) {
        return new RoomSearch(group, message, rooms).find();
    }

    List<Integer> identifiers() {
        return identifiers;
    }

    QoS qos(Message message) {
        return message.qos().min(maximumQoS); // [MQTT-3.8.4-8]
    }

    /** The RETAIN flag of the copy [MQTT-3.3.1-12] [MQTT-3.3.1-13]. */
    boolean retain(Message message) {
        return message.retain() && retainAsPublished;
    }

    /** Whether the copy waits in PostgreSQL. */
    boolean isDurable(Message message) {
        return subscriber.isDurable() && qos(message) != QoS.AT_MOST_ONCE;
    }
}

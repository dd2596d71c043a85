package dev.sluice.broker.routing;

import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import java.util.ArrayList;
import java.util.List;

/**
 * What one client is owed of one message, all its subscriptions that match taken together. Confined to the thread that routes.
 */
public final class Match {
    private final Subscriber subscriber;
    private final String share;
    private final boolean retained;
    private QoS maximumQoS;
    private boolean retainAsPublished;
    private List<Integer> identifiers = List.of();

    Match(Interest interest) {
        this(interest, false);
    }

    private Match(Interest interest, boolean retained) {
        this.retained = retained;
        this.subscriber = interest.subscriber();
        this.share = interest.group() == null ? null : interest.filter().toString();
        this.maximumQoS = interest.maximumQoS();
        this.retainAsPublished = interest.retainAsPublished();
        if (interest.identifier() > 0) identifiers = List.of(interest.identifier());
    }

    /** What a client is owed of a retained message because it subscribed. */
    public static Match retained(Interest interest) {
        return new Match(interest, true);
    }

    /** One copy for overlapping subscriptions: the highest QoS, all identifiers [MQTT-3.3.4-2] [MQTT-3.3.4-3]. */
    void merge(Interest interest) {
        if (interest.maximumQoS().compareTo(maximumQoS) > 0) maximumQoS = interest.maximumQoS();
        retainAsPublished |= interest.retainAsPublished();
        if (interest.identifier() == 0) return;
        var all = new ArrayList<>(identifiers);
        all.add(interest.identifier());
        identifiers = List.copyOf(all);
    }

    Subscriber subscriber() {
        return subscriber;
    }

    /** The filter of the Shared Subscription that it came by, or null. */
    public String share() {
        return share;
    }

    List<Integer> identifiers() {
        return identifiers;
    }

    QoS qos(Message message) {
        return message.qos().min(maximumQoS); // [MQTT-3.8.4-8]
    }

    /** The RETAIN flag of the copy [MQTT-3.3.1-8] [MQTT-3.3.1-12] [MQTT-3.3.1-13]. */
    boolean retain(Message message) {
        return retained || message.retain() && retainAsPublished;
    }

    /** Whether the copy waits in PostgreSQL. */
    boolean isDurable(Message message) {
        return subscriber.isDurable() && qos(message) != QoS.AT_MOST_ONCE;
    }
}

package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import java.util.List;

/**
 * Another gateway that is to get a message, or messages of a topic. Immutable.
 *
 * @param own what it wants for subscriptions of their own
 * @param shares filters of Shared Subscriptions of which a member there is to get the message at hand
 */
record RemoteMatch(Gateway gateway, Reach own, List<String> shares) {
    /** Whether clients with subscriptions of their own are to get it there, as PostgreSQL does not keep it for them. */
    boolean isForOwn(Message message) {
        return own == Reach.ALL || own == Reach.AT_MOST_ONCE && message.qos() == QoS.AT_MOST_ONCE;
    }

    boolean isFor(Message message) {
        return !shares.isEmpty() || isForOwn(message);
    }
}

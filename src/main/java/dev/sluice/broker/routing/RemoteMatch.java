package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Chosen;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import java.util.ArrayList;
import java.util.List;

/**
 * Another gateway that is to get a message, or messages of a topic. Immutable.
 *
 * @param own what it wants for subscriptions of their own
 * @param chosen members of Shared Subscriptions there that are to get the message at hand
 */
record RemoteMatch(Gateway gateway, Reach own, List<Chosen> chosen) {
    static RemoteMatch of(RemoteMember member) {
        var chosen = new Chosen(member.filter().toString(), member.clientId());
        return new RemoteMatch(member.gateway(), Reach.NONE, List.of(chosen));
    }

    /** The same gateway with the members of both. */
    RemoteMatch with(RemoteMatch more) {
        var all = new ArrayList<Chosen>(chosen);
        all.addAll(more.chosen);
        return new RemoteMatch(gateway, own, all);
    }

    RemoteMatch withoutOwn() {
        return new RemoteMatch(gateway, Reach.NONE, chosen);
    }

    /** Whether clients with subscriptions of their own are to get it there, as PostgreSQL does not keep it for them. */
    boolean isForOwn(Message message) {
        return own == Reach.ALL || own == Reach.AT_MOST_ONCE && message.qos() == QoS.AT_MOST_ONCE;
    }

    boolean isFor(Message message) {
        return !chosen.isEmpty() || isForOwn(message);
    }
}

package dev.sluice.broker.routing;

import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.packet.QoS;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What other gateways want of one topic. Confined to the thread that routes. */
final class RemoteWants {
    private final List<RemoteWant> own = new ArrayList<>(2);
    private Map<String, List<RemoteWant>> shares = Map.of();

    /** Several filters of a gateway may match: the one that wants most counts. */
    void add(RemoteWant want) {
        if (want.share() != null) {
            if (shares.isEmpty()) shares = new LinkedHashMap<>();
            shares.computeIfAbsent(want.share(), _ -> new ArrayList<>(2)).add(want);
            return;
        }
        for (int i = 0; i < own.size(); i++) {
            if (!own.get(i).gateway().equals(want.gateway())) continue;
            if (want.reach() == Reach.ALL) own.set(i, want);
            return;
        }
        own.add(want);
    }

    /** For subscriptions of their own, one for each gateway. */
    List<RemoteWant> own() {
        return own;
    }

    boolean hasShares() {
        return !shares.isEmpty();
    }

    /** The filters of Shared Subscriptions that have members elsewhere. */
    Iterable<String> shares() {
        return shares.keySet();
    }

    /** The gateways that have members which PostgreSQL does not keep such a message for. */
    List<RemoteWant> share(String share, QoS qos) {
        var known = shares.getOrDefault(share, List.of());
        if (qos == QoS.AT_MOST_ONCE || known.isEmpty()) return known;
        return known.stream().filter(want -> want.reach() == Reach.ALL).toList();
    }
}

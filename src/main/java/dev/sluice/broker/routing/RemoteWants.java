package dev.sluice.broker.routing;

import dev.sluice.cluster.RelayMessage.Reach;
import java.util.ArrayList;
import java.util.List;

/** What other gateways want of one topic. Confined to the thread that routes. */
final class RemoteWants {
    private final List<RemoteWant> own = new ArrayList<>(2);

    /** Several filters of a gateway may match: the one that wants most counts. */
    void add(RemoteWant want) {
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
}

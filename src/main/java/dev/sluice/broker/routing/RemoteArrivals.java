package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Chosen;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import java.util.List;

/**
 * Gives clients that are connected here what other gateways send for them. Confined to the relay's thread, which it never holds up: it
 * posts to event loops and to the journal. While those have too much to do, what comes at QoS 0 is dropped, and the rest stays in the mailbox.
 *
 * <p>What comes is for those alone that PostgreSQL does not keep it for: whoever sends it has seen to the others.
 */
final class RemoteArrivals {
    private final Router router;
    private final Deliveries deliveries;
    private final Deliveries.Keeping keeping;
    private final RemoteMeters meters;

    RemoteArrivals(Router router, Deliveries deliveries, Deliveries.Keeping keeping, RemoteMeters meters) {
        this.router = router;
        this.deliveries = deliveries;
        this.keeping = keeping;
        this.meters = meters;
    }

    void take(Gateway from, Live live) {
        var qos = live.message().qos();
        meters.received(qos);
        if (qos == QoS.AT_MOST_ONCE && deliveries.areMany()) {
            meters.dropped();
            return;
        }
        var isFound = live.own() && give(live.message(), live.publisher());
        for (var chosen : live.chosen()) isFound |= give(live, chosen);
        if (!isFound) meters.missed();
    }

    /** False if there is nobody. */
    private boolean give(Message message, String publisher) {
        // Whose turn it is in Shared Subscriptions has been decided.
        var matches = router.routeToOwn(message.topicName(), publisher);
        var publication = Publication.ofConnected(message, matches, List.of());
        deliveries.send(publication);
        return publication.hasSubscribers();
    }

    private boolean give(Live live, Chosen chosen) {
        // Without a publisher it has been passed on before.
        var member = router.shares().arrived(live.message(), chosen, live.publisher() != null);
        var publication = Publication.of(live.message(), member);
        deliveries.giveAnywhere(publication, keeping, () -> {});
        return publication.hasSubscribers();
    }
}

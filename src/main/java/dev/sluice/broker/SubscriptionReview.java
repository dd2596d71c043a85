package dev.sluice.broker;

import dev.sluice.access.rule.Requester;
import dev.sluice.broker.routing.Recipient;
import dev.sluice.broker.routing.Router;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.store.session.StoredSubscription;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the subscriptions that the rules do not let a client have any more: when its session is resumed, and when they change. Confined to
 * the connection's event loop.
 */
final class SubscriptionReview {
    private final Recipient connection;
    private final Router router;
    private final ClientRights rights;
    private final RetainedTransfers transfers;
    private final boolean durable;

    /** @param rights null if everything is allowed */
    SubscriptionReview(
            Recipient connection, Router router, ClientRights rights, RetainedTransfers transfers, boolean durable) {
        this.connection = connection;
        this.router = router;
        this.rights = rights;
        this.transfers = transfers;
        this.durable = durable;
    }

    /**
     * What the client may still have of the subscriptions that its session has.
     *
     * @param lost takes the filters of the others
     */
    List<StoredSubscription> resumed(OpenedSession opened, List<String> lost) {
        return rights == null ? opened.subscriptions() : rights.left(opened.subscriptions(), lost);
    }

    /**
     * The rules have changed, or the client: lowers the QoS of subscriptions, and ends those that the client may no longer have.
     *
     * @return the filters of these
     */
    List<String> judgeAgain(Requester requester) {
        if (rights == null || !rights.haveChangedFor(requester)) return List.of();
        var subscriber = router.find(connection.clientId());
        if (subscriber == null || subscriber.recipient() != connection) return List.of();
        var lost = new ArrayList<String>();
        for (var each : List.copyOf(subscriber.subscriptions().values())) {
            var stored = each.stored();
            var left = rights.left(stored);
            if (left == null) {
                transfers.end(each.filter());
                router.unsubscribe(connection, each.filter());
                lost.add(stored.filter());
            } else if (left != stored) {
                router.subscribe(connection, durable, each.filter(), left);
                var lower = subscriber.subscriptions().get(each.filter());
                if (lower != null) transfers.replace(lower);
            }
        }
        return lost;
    }
}

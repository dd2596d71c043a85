package dev.sluice.broker;

import dev.sluice.config.RulesConfig.OnLostRight;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.store.session.StoredSubscription;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes from a client the subscriptions that the rules do not let it have any more: when its session is resumed, and when they change.
 * Confined to the connection's event loop.
 */
final class SubscriptionReview {
    private final Connection connection;
    private final ConnectionParts parts;
    private final ClientRights rights;
    private final RetainedTransfers transfers;
    private final boolean durable;

    /** @param rights null if everything is allowed */
    SubscriptionReview(
            Connection connection,
            ConnectionParts parts,
            ClientRights rights,
            RetainedTransfers transfers,
            boolean durable) {
        this.connection = connection;
        this.parts = parts;
        this.rights = rights;
        this.transfers = transfers;
        this.durable = durable;
    }

    /** What the client may still have of the subscriptions that its session has; it loses the others for good. */
    List<StoredSubscription> resumed(OpenedSession opened) {
        if (rights == null) return opened.subscriptions();
        rights.resumed(opened.lastSeq());
        var lost = new ArrayList<String>();
        var left = rights.left(opened.subscriptions(), lost);
        forget(lost);
        return left;
    }

    /** The rules have changed: lowers the QoS of subscriptions, and ends those that the client may no longer have. */
    void judgeAgain() {
        if (rights == null || !rights.haveChanged()) return;
        var subscriber = parts.router().find(connection.clientId());
        if (subscriber == null || subscriber.recipient() != connection) return;
        var lost = new ArrayList<String>();
        for (var each : List.copyOf(subscriber.subscriptions().values())) {
            var stored = each.stored();
            var left = rights.left(stored);
            if (left == null) {
                transfers.end(each.filter());
                parts.router().unsubscribe(connection, each.filter());
                lost.add(stored.filter());
            } else if (left != stored) {
                parts.router().subscribe(connection, durable, each.filter(), left);
                var lower = subscriber.subscriptions().get(each.filter());
                if (lower != null) transfers.replace(lower);
            }
        }
        forget(lost);
        if (lost.isEmpty() || parts.onLostRight() != OnLostRight.DISCONNECT) return;
        var filter = TraceText.line(lost.getFirst());
        connection.on(new Event.Ended(
                ReasonCode.NOT_AUTHORIZED, "the rules have changed: no longer for the client: " + filter));
    }

    private void forget(List<String> filters) {
        if (!durable || filters.isEmpty()) return;
        connection
                .writes()
                .submit(new JournalWrite.Unsubscribe(
                        connection.clientId(),
                        connection.epoch(),
                        filters,
                        connection.writes().thenOnLoop(() -> {})));
    }
}

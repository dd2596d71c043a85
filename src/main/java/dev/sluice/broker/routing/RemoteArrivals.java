package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.packet.Message;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import java.util.ArrayList;

/**
 * Gives clients that are connected here what other gateways send for them. Confined to the relay's thread, which it never holds up: it
 * posts to event loops and to the journal.
 *
 * <p>What comes is for those alone that PostgreSQL does not keep it for: whoever sends it has seen to the others.
 */
final class RemoteArrivals {
    private final Router router;
    private final Deliveries deliveries;
    private final Journal journal;
    private final RemoteDeliveries others;
    private final RemoteMeters meters;

    RemoteArrivals(
            Router router, Deliveries deliveries, Journal journal, RemoteDeliveries others, RemoteMeters meters) {
        this.router = router;
        this.deliveries = deliveries;
        this.journal = journal;
        this.others = others;
        this.meters = meters;
    }

    void take(Gateway from, Live live) {
        meters.received(live.message().qos());
        if (!deliveries.haveRoomFor(live.message().qos())) {
            meters.dropped();
            return;
        }
        var isFound = live.own() && give(live.message(), live.publisher());
        for (var share : live.shares()) isFound |= give(live, share);
        if (!isFound) meters.missed();
    }

    /** False if there is nobody. */
    private boolean give(Message message, String publisher) {
        // Whose turn it is in Shared Subscriptions has been decided.
        var matches = router.route(message.topicName(), publisher, _ -> null);
        var publication = Publication.ofConnected(message, matches);
        deliveries.send(publication);
        return publication.hasSubscribers();
    }

    private boolean give(Live live, String share) {
        var message = live.message();
        var match = router.another(share, null, false);
        if (match == null || match.subscriber().recipient() == null && !match.isDurable(message))
            // Without a publisher it has been passed on before.
            return live.publisher() != null && others.passOn(message, share);
        var chosen = new ArrayList<Match>(1);
        chosen.add(match);
        deliveries.give(Publication.of(message, chosen), this::keep, () -> {});
        return true;
    }

    /** The member that was chosen, or the one in its place, is owed it by PostgreSQL. */
    private void keep(Publication publication, Runnable then) {
        var write = JournalWrite.Accept.unfenced(
                publication.copies().getFirst().clientId(),
                publication.message(),
                publication.copies(),
                false,
                outcome -> {
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                    then.run();
                });
        if (!journal.submit(write)) meters.dropped();
    }
}

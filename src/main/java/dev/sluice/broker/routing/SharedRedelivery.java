package dev.sluice.broker.routing;

import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.OrphanedDeliveries;
import dev.sluice.store.delivery.OrphanedDelivery;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Gives the messages that ended sessions have left in PostgreSQL to other members of their Shared Subscriptions. Called on the sweep's
 * thread; returns once it is certain that the others have them.
 */
public final class SharedRedelivery {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    /** The session that a message is given to may end meanwhile; then another one is tried. */
    private static final int ATTEMPTS = 8;

    private final Router router;
    private final Journal journal;
    private final Deliveries deliveries;

    public SharedRedelivery(Router router, Journal journal, Deliveries deliveries) {
        this.router = router;
        this.journal = journal;
        this.deliveries = deliveries;
    }

    /** One message on its way to a member whose session is in PostgreSQL. */
    private record Redelivery(
            OrphanedDelivery orphan, Publication publication, CompletableFuture<JournalWrite.Outcome> kept) {}

    public void give(OrphanedDeliveries orphaned) {
        var left = orphaned.deliveries();
        for (int i = 0; i < ATTEMPTS && !left.isEmpty(); i++) left = offer(orphaned, left);
        left.forEach(orphaned::done);
    }

    /** Returns the messages whose new member has gone meanwhile. */
    private List<OrphanedDelivery> offer(OrphanedDeliveries orphaned, List<OrphanedDelivery> left) {
        var underWay = new ArrayList<Redelivery>();
        for (var one : left) {
            var match = router.another(one.share(), null);
            var publication =
                    match == null ? null : Publication.of(one.message().unretained(), List.of(match));
            if (publication != null) deliveries.send(publication);
            if (publication == null || !publication.hasCopies()) orphaned.done(one);
            else underWay.add(keep(one, publication, match));
        }
        var missed = new ArrayList<OrphanedDelivery>();
        for (var one : underWay) {
            if (isTaken(one)) orphaned.done(one.orphan);
            else missed.add(one.orphan);
        }
        return missed;
    }

    private Redelivery keep(OrphanedDelivery orphan, Publication publication, Match match) {
        var kept = new CompletableFuture<JournalWrite.Outcome>();
        var write = JournalWrite.Accept.unfenced(
                match.subscriber().clientId(), publication.message(), publication.copies(), false, kept::complete);
        if (!journal.submit(write)) throw new StoreUnavailable("the journal is full", null);
        return new Redelivery(orphan, publication, kept);
    }

    private static boolean isTaken(Redelivery one) {
        try {
            var outcome = one.kept.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
            if (outcome != JournalWrite.Outcome.COMMITTED)
                return true; // PostgreSQL refuses it, and would the next time
            one.publication.committed();
            return one.publication.kept().getFirst().copy().seq() != Copy.NOBODY;
        } catch (TimeoutException | ExecutionException late) {
            throw new StoreUnavailable("no commit within " + PATIENCE, late);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailable("interrupted", interrupted);
        }
    }
}

package dev.sluice.broker.routing;

import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.SharedLeft;
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
    private record OrphanedDelivery(
            SharedLeft.Left left, Publication publication, CompletableFuture<JournalWrite.Outcome> kept) {}

    public void give(SharedLeft shared) {
        var left = shared.messages();
        for (int i = 0; i < ATTEMPTS && !left.isEmpty(); i++) left = offer(left);
    }

    /** Returns the messages whose new member has gone meanwhile. */
    private List<SharedLeft.Left> offer(List<SharedLeft.Left> left) {
        var orphaned = new ArrayList<OrphanedDelivery>();
        for (var one : left) {
            var match = router.another(one.share(), one.message().topicName(), null);
            if (match == null) continue;
            var publication = Publication.of(one.message().unretained(), List.of(match));
            deliveries.send(publication);
            if (publication.hasCopies()) orphaned.add(keep(one, publication, match));
        }
        var missed = new ArrayList<SharedLeft.Left>();
        for (var one : orphaned) if (!isTaken(one)) missed.add(one.left);
        return missed;
    }

    private OrphanedDelivery keep(SharedLeft.Left left, Publication publication, Match match) {
        var kept = new CompletableFuture<JournalWrite.Outcome>();
        var write = new JournalWrite.Accept(
                match.subscriber().clientId(),
                JournalWrite.NO_FENCE,
                publication.message(),
                publication.copies(),
                false,
                0,
                null,
                kept::complete);
        if (!journal.submit(write)) throw new StoreUnavailable("the journal is full", null);
        return new OrphanedDelivery(left, publication, kept);
    }

    private static boolean isTaken(OrphanedDelivery one) {
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

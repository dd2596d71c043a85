package dev.sluice.broker.routing;

import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.OrphanedDeliveries;
import dev.sluice.store.delivery.OrphanedDelivery;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.JournalWrite.Outcome;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Gives the messages that ended sessions have left in PostgreSQL to other members of their Shared Subscriptions. Owns what is known of those
 * under way: what waits for Kafka or PostgreSQL cannot be taken back, and is not given again before it is known what has become of it. Confined
 * to the sweep's thread.
 */
public final class SharedRedelivery {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    /** While others are late already. */
    private static final Duration SHORT_PATIENCE = Duration.ofMillis(200);
    /** Then no more are given. */
    private static final int MOST_UNDER_WAY = 10_000;

    private final Router router;
    private final Journal journal;
    private final Deliveries deliveries;
    private final Duration patience;
    /** Completed once another member has the message, or there is none, or all have full queues. */
    private final Map<Place, CompletableFuture<Void>> underWay = new HashMap<>();

    /** Where the message is in PostgreSQL. */
    private record Place(long sessionId, long seq) {}

    public SharedRedelivery(Router router, Journal journal, Deliveries deliveries) {
        this(router, journal, deliveries, PATIENCE);
    }

    /** @param patience how long to wait until it is certain that others have them */
    SharedRedelivery(Router router, Journal journal, Deliveries deliveries, Duration patience) {
        this.router = router;
        this.journal = journal;
        this.deliveries = deliveries;
        this.patience = patience;
    }

    /**
     * Returns once it is certain of all that others have them, or after a while; reports those of which it is. The others may be given to it
     * again at any time.
     *
     * @throws StoreUnavailable if it is not certain of all
     */
    public void give(OrphanedDeliveries orphaned) {
        underWay.values().removeIf(CompletableFuture::isCompletedExceptionally);
        // What another gateway has deleted meanwhile does not come again.
        if (underWay.size() >= MOST_UNDER_WAY) underWay.values().removeIf(CompletableFuture::isDone);
        var areLate = underWay.values().stream().anyMatch(given -> !given.isDone());
        for (var one : orphaned.deliveries())
            if (underWay.size() < MOST_UNDER_WAY) underWay.computeIfAbsent(place(one), _ -> give(one));
        var deadline = System.nanoTime() + (areLate ? SHORT_PATIENCE : patience).toNanos();
        StoreUnavailable failure = null;
        for (var one : orphaned.deliveries()) {
            try {
                await(place(one), deadline - System.nanoTime());
                orphaned.done(one);
            } catch (StoreUnavailable later) {
                failure = later;
            }
        }
        if (failure != null) throw failure;
    }

    private static Place place(OrphanedDelivery orphan) {
        return new Place(orphan.sessionId(), orphan.seq());
    }

    private CompletableFuture<Void> give(OrphanedDelivery orphan) {
        var given = new CompletableFuture<Void>();
        var publication = router.shares().another(orphan.message().unretained(), orphan.share(), null, false);
        if (publication.hasRemote()) deliveries.giveElsewhere(publication, has -> givenElsewhere(has, given));
        else deliveries.give(publication, (some, then) -> keep(some, then, given), () -> given.complete(null));
        return given;
    }

    private static void givenElsewhere(boolean has, CompletableFuture<Void> given) {
        if (has) given.complete(null);
        else given.completeExceptionally(new StoreUnavailable("another gateway did not get it", null));
    }

    private void keep(Publication publication, Runnable then, CompletableFuture<Void> given) {
        var write = JournalWrite.Accept.unfenced(
                        publication.copies().getFirst().clientId(),
                        publication.message(),
                        publication.copies(),
                        false,
                        outcome -> kept(publication, outcome, then, given))
                .since(journal.run());
        if (!journal.submit(write)) given.completeExceptionally(new StoreUnavailable("the journal is full", null));
    }

    private static void kept(Publication publication, Outcome outcome, Runnable then, CompletableFuture<Void> given) {
        if (outcome == Outcome.FENCED) {
            given.completeExceptionally(new StoreUnavailable("others have taken this gateway for dead", null));
            return;
        }
        if (outcome == Outcome.COMMITTED) publication.committed();
        then.run(); // also what PostgreSQL refuses, and would the next time
    }

    /** Returns if the message is given, and forgets it then. */
    private void await(Place place, long nanos) {
        var given = underWay.get(place);
        if (given == null) throw new StoreUnavailable("too many are under way", null);
        try {
            given.get(Math.max(nanos, 0), TimeUnit.NANOSECONDS);
            underWay.remove(place);
        } catch (TimeoutException late) {
            throw new StoreUnavailable("Kafka or PostgreSQL has not answered yet", late);
        } catch (ExecutionException failed) {
            throw new StoreUnavailable(failed.getCause().getMessage(), failed.getCause());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailable("interrupted", interrupted);
        }
    }
}

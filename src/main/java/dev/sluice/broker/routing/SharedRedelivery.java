package dev.sluice.broker.routing;

import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.OrphanedDeliveries;
import dev.sluice.store.delivery.OrphanedDelivery;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Gives the messages that ended sessions have left in PostgreSQL to other members of their Shared Subscriptions. Called on the sweep's
 * thread; returns once it is certain that the others have them, and throws if it is not.
 */
public final class SharedRedelivery {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Router router;
    private final Journal journal;
    private final Deliveries deliveries;

    public SharedRedelivery(Router router, Journal journal, Deliveries deliveries) {
        this.router = router;
        this.journal = journal;
        this.deliveries = deliveries;
    }

    /** One message on its way; completed once another member has it, or there is none, or all have full queues. */
    private record Redelivery(OrphanedDelivery orphan, CompletableFuture<Void> given) {}

    /** @throws StoreUnavailable if PostgreSQL does not keep all of them in time; those that are kept are reported */
    public void give(OrphanedDeliveries orphaned) {
        var underWay = orphaned.deliveries().stream()
                .map(one -> new Redelivery(one, give(one)))
                .toList();
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        StoreUnavailable failure = null;
        for (var one : underWay) {
            try {
                await(one.given, deadline - System.nanoTime());
                orphaned.done(one.orphan);
            } catch (StoreUnavailable later) {
                failure = later;
            }
        }
        if (failure != null) throw failure;
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
        else given.completeExceptionally(new StoreUnavailable("Kafka did not take it for another gateway", null));
    }

    private void keep(Publication publication, Runnable then, CompletableFuture<Void> given) {
        var write = JournalWrite.Accept.unfenced(
                publication.copies().getFirst().clientId(),
                publication.message(),
                publication.copies(),
                false,
                outcome -> {
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                    then.run(); // PostgreSQL refuses it, and would the next time
                });
        if (!journal.submit(write)) given.completeExceptionally(new StoreUnavailable("the journal is full", null));
    }

    private static void await(CompletableFuture<Void> given, long nanos) {
        try {
            given.get(Math.max(nanos, 0), TimeUnit.NANOSECONDS);
        } catch (TimeoutException late) {
            throw new StoreUnavailable("no commit within " + PATIENCE, late);
        } catch (ExecutionException failed) {
            throw new StoreUnavailable(failed.getCause().getMessage(), failed.getCause());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailable("interrupted", interrupted);
        }
    }
}

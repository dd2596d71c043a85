package dev.sluice.broker.routing;

import dev.sluice.broker.Broker;
import dev.sluice.broker.Receiving;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.OrphanedDeliveries;
import dev.sluice.store.delivery.OrphanedDelivery;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.JournalWrite;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Gives what members of Shared Subscriptions have left in PostgreSQL with the end of their sessions to other members. Called on the thread
 * that sweeps, and returns when it is certain that they have it.
 */
public final class Heirs {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    /** A member may end while it inherits. */
    private static final int ATTEMPTS = 8;

    private final Broker broker;

    public Heirs(Broker broker) {
        this.broker = broker;
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
            var match = broker.router().another(one.share(), one.message().topicName(), null);
            var publication =
                    match == null ? null : Publication.of(Receiving.unretained(one.message()), List.of(match));
            if (publication != null) publication.deliver(broker.underWay());
            if (publication == null || publication.copies().isEmpty()) orphaned.done(one);
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
        if (!broker.journal().submit(write)) throw new StoreUnavailable("the journal is full", null);
        return new Redelivery(orphan, publication, kept);
    }

    private static boolean isTaken(Redelivery one) {
        try {
            var outcome = one.kept.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
            if (outcome != JournalWrite.Outcome.COMMITTED)
                return true; // PostgreSQL refuses it, and would the next time
            one.publication.committed();
            return one.publication.copies().getFirst().seq() != Copy.NOBODY;
        } catch (TimeoutException | ExecutionException late) {
            throw new StoreUnavailable("no commit within " + PATIENCE, late);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailable("interrupted", interrupted);
        }
    }
}

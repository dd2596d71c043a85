package dev.sluice.broker.routing;

import dev.sluice.broker.Broker;
import dev.sluice.broker.Receiving;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.SharedLeft;
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
    private record Bequest(
            SharedLeft.Left left, Publication publication, CompletableFuture<JournalWrite.Outcome> kept) {}

    public void give(SharedLeft shared) {
        var left = shared.messages();
        for (int i = 0; i < ATTEMPTS && !left.isEmpty(); i++) left = offer(left);
    }

    /** Returns what was for members that are not there any more. */
    private List<SharedLeft.Left> offer(List<SharedLeft.Left> left) {
        var bequests = new ArrayList<Bequest>();
        for (var one : left) {
            var match = broker.router().another(one.share(), one.message().topicName(), null);
            if (match == null) continue;
            var publication = Publication.of(Receiving.unretained(one.message()), List.of(match));
            publication.deliver(broker.underWay());
            if (!publication.copies().isEmpty()) bequests.add(keep(one, publication, match));
        }
        var missed = new ArrayList<SharedLeft.Left>();
        for (var bequest : bequests) if (!isTaken(bequest)) missed.add(bequest.left);
        return missed;
    }

    private Bequest keep(SharedLeft.Left left, Publication publication, Match match) {
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
        if (!broker.journal().submit(write)) throw new StoreUnavailable("the journal is full", null);
        return new Bequest(left, publication, kept);
    }

    private static boolean isTaken(Bequest bequest) {
        try {
            var outcome = bequest.kept.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
            if (outcome != JournalWrite.Outcome.COMMITTED)
                return true; // PostgreSQL refuses it, and would the next time
            bequest.publication.committed();
            return bequest.publication.copies().getFirst().seq() != Copy.NOBODY;
        } catch (TimeoutException | ExecutionException late) {
            throw new StoreUnavailable("no commit within " + PATIENCE, late);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailable("interrupted", interrupted);
        }
    }
}

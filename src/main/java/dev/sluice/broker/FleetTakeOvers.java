package dev.sluice.broker;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.TakenOver;
import dev.sluice.cluster.RelayMessage.Yielded;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.session.SessionStore.OpenedSession;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Ends the connections whose sessions later ones have opened, here and at other gateways, and answers the others when they ask for that. Any
 * thread may use it.
 */
final class FleetTakeOvers {
    /** An event loop, or a gateway, that is busy for longer does not hold up the client's next connection. */
    static final Duration PATIENCE = Duration.ofSeconds(1);

    private final ConnectionRegistry<?> registry;
    private final SessionTurns turns;
    private final Gateways gateways;
    private final Relay relay;
    private final Consumer<EndedSession> lost;
    private final BrokerMeters meters;
    private final Duration patience;
    /** What waits for {@link Yielded}. */
    private final Map<TakenOver, CompletableFuture<Long>> asked = new ConcurrentHashMap<>();

    /** @param lost takes sessions whose connections here have ended for others: what they had not committed counts no more */
    FleetTakeOvers(
            ConnectionRegistry<?> registry,
            SessionTurns turns,
            Gateways gateways,
            Relay relay,
            Consumer<EndedSession> lost,
            BrokerMeters meters) {
        this(registry, turns, gateways, relay, lost, meters, PATIENCE);
    }

    /** @param patience how long another gateway may take for its answer */
    FleetTakeOvers(
            ConnectionRegistry<?> registry,
            SessionTurns turns,
            Gateways gateways,
            Relay relay,
            Consumer<EndedSession> lost,
            BrokerMeters meters,
            Duration patience) {
        this.registry = registry;
        this.turns = turns;
        this.gateways = gateways;
        this.relay = relay;
        this.lost = lost;
        this.meters = meters;
        this.patience = patience;
        relay.on(TakenOver.class, this::takenOver);
        relay.on(Yielded.class, (_, letter) -> yielded(letter));
    }

    /**
     * Ends the connection that held the session before it was opened.
     *
     * @return completed once that has ended, with the last place of the queue that it has sent, as far as is known; with 0 if there was
     *     none, with null if its gateway does not answer
     */
    CompletableFuture<Long> end(String clientId, OpenedSession opened) {
        var here = registry.takeOver(clientId, opened.epoch());
        var elsewhere = elsewhere(opened);
        if (elsewhere == null) return here;
        return here.thenCombine(ask(elsewhere, new TakenOver(clientId, opened.epoch())), FleetTakeOvers::later);
    }

    private static Long later(Long here, Long elsewhere) {
        return elsewhere == null ? null : Math.max(here, elsewhere);
    }

    /** The same where nobody knows who held the session before: at all gateways that live. */
    void endEverywhere(String clientId, long epoch) {
        registry.takeOver(clientId, epoch);
        for (var other : gateways.others()) ask(other, new TakenOver(clientId, epoch));
    }

    /** Whether another gateway that lives held the session before it was opened. */
    boolean wasElsewhere(OpenedSession opened) {
        return elsewhere(opened) != null;
    }

    private Gateway elsewhere(OpenedSession opened) {
        if (opened.former() == null || gateways.isAlone()) return null;
        var holder = gateways.find(opened.former().node());
        return holder == null || holder.id().equals(gateways.self().id()) ? null : holder;
    }

    private CompletableFuture<Long> ask(Gateway holder, TakenOver letter) {
        var answer = new CompletableFuture<Long>();
        asked.put(letter, answer);
        relay.send(holder, letter, isSent -> {
            if (!isSent) answer.complete(null);
        });
        return answer.completeOnTimeout(null, patience.toMillis(), TimeUnit.MILLISECONDS)
                .thenApply(sentSeq -> {
                    asked.remove(letter, answer);
                    meters.takenOver(sentSeq != null);
                    return sentSeq;
                });
    }

    private void yielded(Yielded letter) {
        var answer = asked.get(new TakenOver(letter.clientId(), letter.epoch()));
        if (answer != null) answer.complete(letter.sentSeq());
    }

    /** On the relay's thread. */
    private void takenOver(Gateway by, TakenOver letter) {
        var clientId = letter.clientId();
        var epoch = letter.epoch();
        takeOver(clientId, epoch)
                // A connection that ended before by itself may have withdrawn its will.
                .thenCompose(sentSeq -> turns.closed(clientId).thenApply(_ -> sentSeq))
                .thenAccept(sentSeq -> relay.send(by, new Yielded(clientId, epoch, sentSeq), _ -> {}));
        // One that is being opened has lost its session already.
        turns.over(clientId).thenRun(() -> takeOver(clientId, epoch));
    }

    /** A later connection has the session elsewhere: ends the one that has it here. Completed as {@link ConnectionRegistry#takeOver} says. */
    CompletableFuture<Long> takeOver(String clientId, long epoch) {
        var holder = registry.holder(clientId);
        var ended = registry.takeOver(clientId, epoch);
        if (holder != null) ended.thenRun(() -> lost.accept(new EndedSession(clientId, holder.sessionId())));
        return ended;
    }
}

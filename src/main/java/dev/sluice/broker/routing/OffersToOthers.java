package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage;
import dev.sluice.cluster.RelayMessage.Lagging;
import dev.sluice.cluster.RelayMessage.Offer;
import dev.sluice.cluster.RelayMessage.OfferOutcome;
import dev.sluice.cluster.RelayMessage.Withdrawn;
import dev.sluice.packet.Message;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Owns the commands that this gateway has offered to others for clients that are connected there, and that are not answered yet. Any thread
 * may use it.
 */
final class OffersToOthers {
    /** Of a broadcast command that reaches more, some of them may get it again when it is offered again. */
    private static final int MOST_REACHED = 20_000;

    private final Relay relay;
    private final Gateways gateways;
    private final AtomicLong numbers = new AtomicLong();
    private final Map<Long, Pending> pending = new ConcurrentHashMap<>();

    /** To be made before the relay starts. */
    OffersToOthers(Relay relay, Gateways gateways) {
        this.relay = relay;
        this.gateways = gateways;
        relay.on(OfferOutcome.class, (from, receipt) -> answered(from, receipt.number(), receipt));
        relay.on(Lagging.class, this::lags);
        relay.onForgotten(this::forgotten);
    }

    /** One offer to one gateway. Any thread may use it. */
    final class Pending {
        private final long number = numbers.incrementAndGet();
        private final Gateway to;
        private final Consumer<OfferOutcome> answer;
        private final AtomicBoolean answered = new AtomicBoolean();
        private volatile boolean lagging;

        private Pending(Gateway to, Consumer<OfferOutcome> answer) {
            this.to = to;
            this.answer = answer;
        }

        boolean isAnswered() {
            return answered.get();
        }

        /** Whether it is owed only to subscribers that did not acknowledge an earlier message in time. */
        boolean isLagging() {
            return lagging;
        }

        /** Nobody waits for the answer any more. */
        void withdraw() {
            if (!answered.compareAndSet(false, true)) return;
            pending.remove(number);
            relay.send(to, new Withdrawn(number), _ -> {});
        }

        private void answer(OfferOutcome receipt) {
            if (!answered.compareAndSet(false, true)) return;
            pending.remove(number);
            answer.accept(receipt);
        }

        /** Its clients may have it or not. */
        private void lost() {
            answer(new OfferOutcome(number, true, List.of(), 0, 0, 0, 1));
        }
    }

    /** @param answer told once, on any thread: also if the gateway dies or cannot be told, then with one copy that is lost */
    Pending offer(RemoteMatch to, Message message, Collection<SubscriberKey> reached, Consumer<OfferOutcome> answer) {
        var offer = new Pending(to.gateway(), answer);
        pending.put(offer.number, offer);
        var keys = reached.stream()
                .limit(MOST_REACHED)
                .map(key -> new RelayMessage.Reached(key.client(), key.share()))
                .toList();
        relay.send(to.gateway(), new Offer(offer.number, message, to.isForOwn(message), to.chosen(), keys), sent -> {
            if (!sent) offer.lost();
        });
        if (!lives(to.gateway())) offer.lost(); // it has gone meanwhile, and nobody says so again
        return offer;
    }

    private void answered(Gateway from, long number, OfferOutcome receipt) {
        var offer = pending.get(number);
        if (offer != null && offer.to.equals(from)) offer.answer(receipt);
    }

    private void lags(Gateway from, Lagging lagging) {
        var offer = pending.get(lagging.number());
        if (offer != null && offer.to.equals(from)) offer.lagging = true;
    }

    /** It may live, and only tell its whole state anew. */
    private void forgotten(Gateway gateway) {
        if (lives(gateway)) return;
        for (var offer : pending.values()) if (offer.to.equals(gateway)) offer.lost();
    }

    private boolean lives(Gateway gateway) {
        return gateway.equals(gateways.find(gateway.id()));
    }
}

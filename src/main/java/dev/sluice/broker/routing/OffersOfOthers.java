package dev.sluice.broker.routing;

import dev.sluice.clock.Repeating;
import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.Lagging;
import dev.sluice.cluster.RelayMessage.Offer;
import dev.sluice.cluster.RelayMessage.OfferOutcome;
import dev.sluice.cluster.RelayMessage.Reached;
import dev.sluice.cluster.RelayMessage.Withdrawn;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;

/**
 * Owns the commands that other gateways have offered for clients connected here, until these have answered. The relay's thread brings them,
 * one virtual thread looks who answers late, and any thread may bring the answers.
 */
public final class OffersOfOthers {
    private static final Duration TURN = Duration.ofMillis(50);
    private static final Duration IDLE_TURN = Duration.ofSeconds(1);

    private final Relay relay;
    private final Router router;
    private final TrackedDelivery.Ways ways;
    private final Map<Key, UnderWay> underWay = new ConcurrentHashMap<>();
    /** What the relay had no room for: it is said again. */
    private final Queue<Answer> unsaid = new ConcurrentLinkedQueue<>();

    private final Repeating looking = Repeating.onVirtualThread("sluice-offers");

    private record Key(Gateway from, long number) {}

    private record Answer(Gateway to, OfferOutcome outcome) {}

    /** One offer. */
    private static final class UnderWay {
        private final TrackedDelivery delivery;
        private boolean lagging;

        UnderWay(TrackedDelivery delivery) {
            this.delivery = delivery;
        }
    }

    /** To be made before the relay starts. */
    OffersOfOthers(Relay relay, Router router, TrackedDelivery.Ways ways) {
        this.relay = relay;
        this.router = router;
        this.ways = ways;
        relay.on(Offer.class, this::offered);
        relay.on(Withdrawn.class, this::withdrawn);
    }

    public void start() {
        looking.start(() -> {
            look();
            return relay.isAlone() ? IDLE_TURN : TURN;
        });
    }

    public void stop() {
        looking.stop();
    }

    private void offered(Gateway from, Offer offer) {
        var key = new Key(from, offer.number());
        var reached = offer.reached().stream()
                .map(one -> new SubscriberKey(one.client(), one.share()))
                .collect(Collectors.toSet());
        var delivery = TrackedDelivery.toThese(
                ways,
                offer.message(),
                matches(offer).stream()
                        .filter(match -> !reached.contains(SubscriberKey.of(match)))
                        .toList(),
                outcome -> {
                    underWay.remove(key);
                    say(new Answer(from, receipt(offer.number(), outcome)));
                });
        underWay.put(key, new UnderWay(delivery));
        delivery.start(from.id(), false);
    }

    private void say(Answer answer) {
        relay.send(answer.to, answer.outcome, has -> {
            if (!has) unsaid.add(answer);
        });
    }

    private List<Match> matches(Offer offer) {
        var message = offer.message();
        var matches = new ArrayList<Match>();
        if (offer.own())
            for (var match : router.routeToOwn(message.topicName(), null))
                if (!match.isDurable(message) && match.subscriber().recipient() != null) matches.add(match);
        for (var chosen : offer.chosen())
            if (router.shares().arrived(message, chosen, false) instanceof LiveSubscription known)
                matches.add(new Match(known));
        return matches;
    }

    private static OfferOutcome receipt(long number, TrackedDelivery.Outcome outcome) {
        return switch (outcome) {
            case TrackedDelivery.Outcome.Settled settled ->
                new OfferOutcome(
                        number,
                        true,
                        settled.reached().stream()
                                .map(key -> new Reached(key.client(), key.share()))
                                .toList(),
                        settled.delivered(),
                        settled.rejected(),
                        settled.expired(),
                        settled.lost());
            case TrackedDelivery.Outcome.Nobody _ -> new OfferOutcome(number, false, List.of(), 0, 0, 0, 0);
            // By PostgreSQL, of which a member of a Shared Subscription was to get it.
            case TrackedDelivery.Outcome.Refused _, TrackedDelivery.Outcome.Fenced _ ->
                new OfferOutcome(number, true, List.of(), 0, 0, 0, 1);
        };
    }

    private void withdrawn(Gateway from, Withdrawn withdrawn) {
        var gone = underWay.remove(new Key(from, withdrawn.number()));
        if (gone != null) gone.delivery.giveUp();
    }

    /** What could not be said is said; and nobody at the sender is to wait long for those who did not acknowledge an earlier message in time. */
    private void look() {
        for (int i = unsaid.size(); i > 0; i--) say(unsaid.remove());
        underWay.forEach((key, offer) -> {
            if (offer.lagging || !offer.delivery.isOwedOnlyToNotAcknowledging()) return;
            offer.lagging = true;
            relay.send(key.from(), new Lagging(key.number()), _ -> {});
        });
    }
}

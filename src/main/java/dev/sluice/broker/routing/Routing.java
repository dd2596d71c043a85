package dev.sluice.broker.routing;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Gathers the matches of one message. Confined to the thread that routes. */
final class Routing {
    private final String publisher;
    private final Function<ShareGroup, LiveSubscription> turns;
    private final ArrayList<Match> matches = new ArrayList<>();
    private Map<Subscriber, Match> overlapping;

    Routing(String publisher, Function<ShareGroup, LiveSubscription> turns) {
        this.turns = turns;
        this.publisher = publisher;
    }

    void take(Subscribed subscribed) {
        switch (subscribed) {
            case ShareGroup group -> {
                var member = turns.apply(group);
                if (member != null) matches.add(new Match(member));
            }
            case LiveSubscription own -> {
                if (!own.noLocal() || !own.subscriber().clientId().equals(publisher)) takeOwn(own);
            }
        }
    }

    private void takeOwn(LiveSubscription subscription) {
        var subscriber = subscription.subscriber();
        if (subscriber.subscriptions().size() == 1) {
            matches.add(new Match(subscription));
            return;
        }
        if (overlapping == null) overlapping = new IdentityHashMap<>();
        var known = overlapping.get(subscriber);
        if (known != null) {
            known.merge(subscription);
            return;
        }
        var match = new Match(subscription);
        matches.add(match);
        overlapping.put(subscriber, match);
    }

    List<Match> matches() {
        return matches;
    }
}

package dev.sluice.broker.routing;

import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Gathers who gets one message. Confined to the thread that routes. */
final class Routing {
    private final TopicName topicName;
    private final String publisher;
    /** Null if no member of a Shared Subscription gets it. */
    private final QoS qos;

    private final ArrayList<Match> matches = new ArrayList<>();
    private List<RemoteMember> elsewhere = List.of();
    private boolean hasShares;
    private Map<Subscriber, Match> overlapping;

    Routing(TopicName topicName, String publisher, QoS qos) {
        this.topicName = topicName;
        this.publisher = publisher;
        this.qos = qos;
    }

    void take(Subscribed subscribed) {
        switch (subscribed) {
            case ShareGroup group -> takeOneOf(group);
            case LiveSubscription own -> {
                if (!own.noLocal() || !own.subscriber().clientId().equals(publisher)) takeOwn(own);
            }
        }
    }

    private void takeOneOf(ShareGroup group) {
        hasShares = true;
        if (qos == null) return;
        switch (group.choose(qos, topicName, publisher)) {
            case null -> {}
            case LiveSubscription known -> matches.add(new Match(known));
            case RemoteMember remote -> {
                if (elsewhere.isEmpty()) elsewhere = new ArrayList<>(1);
                elsewhere.add(remote);
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

    /** Members of Shared Subscriptions that get it from the gateways that they are connected to. */
    List<RemoteMember> elsewhere() {
        return elsewhere;
    }

    /** Whether a Shared Subscription matches: whose turn it is changes with each message. */
    boolean hasShares() {
        return hasShares;
    }
}

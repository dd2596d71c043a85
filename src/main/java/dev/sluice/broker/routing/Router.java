package dev.sluice.broker.routing;

import dev.sluice.broker.Connection;
import dev.sluice.packet.ReasonCode;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.SubscriptionIndex;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * Knows who has subscribed to what, clients that are offline included. Any thread may use it: routing never waits, changes
 * take turns.
 */
public final class Router {
    private final SubscriptionIndex<Interest> index = new SubscriptionIndex<>();
    private final Map<String, Subscriber> subscribers = new ConcurrentHashMap<>();
    private final Map<String, ShareGroup> groups = new HashMap<>();
    private final ReentrantLock changing = new ReentrantLock();
    private volatile long version;

    /** Restores a subscription of a client that is offline. */
    public void restore(String clientId, long sessionId, StoredSubscription stored) {
        changing.lock();
        try {
            var subscriber = subscribers.computeIfAbsent(clientId, _ -> new Subscriber(clientId, sessionId));
            subscriber.restore();
            add(subscriber, stored);
        } finally {
            changing.unlock();
        }
    }

    /**
     * A connection holds the client's session from now on, with exactly these subscriptions; nothing if a later one does.
     *
     * @param resumed whether it is the session that was there before
     * @param durable whether its messages wait in PostgreSQL
     */
    public void attach(
            Connection connection, boolean resumed, boolean durable, List<StoredSubscription> subscriptions) {
        changing.lock();
        try {
            var subscriber = subscribers.get(connection.clientId());
            var other = subscriber == null ? null : subscriber.connection();
            if (other != null && other.epoch() > connection.epoch()) return;
            // It may have been resumed, but not be the one that was known here: another gateway has begun it.
            if (subscriber != null && (!resumed || subscriber.sessionId() != connection.sessionId())) {
                drop(subscriber);
                subscriber = null;
            }
            if (subscriber == null && subscriptions.isEmpty() && !durable) return; // an entry comes with the first one
            if (subscriber == null) subscriber = subscriber(connection);
            var kept = subscriptions.stream().map(StoredSubscription::filter).collect(Collectors.toSet());
            for (var filter : List.copyOf(subscriber.interests().keySet()))
                if (!kept.contains(filter.toString())) remove(subscriber, filter);
            for (var stored : subscriptions) add(subscriber, stored);
            subscriber.attach(connection, durable);
        } finally {
            changing.unlock();
        }
    }

    /** The connection is gone; its client's subscriptions stay if the session does. */
    public void detach(Connection connection, boolean sessionEnds) {
        changing.lock();
        try {
            var subscriber = subscribers.get(connection.clientId());
            if (subscriber == null || subscriber.connection() != connection) return;
            subscriber.detach();
            if (sessionEnds) removeAll(subscriber);
            forgetIfEmpty(subscriber);
        } finally {
            changing.unlock();
        }
    }

    /** The session of a client that is offline has ended. */
    public void forget(String clientId) {
        changing.lock();
        try {
            var subscriber = subscribers.get(clientId);
            if (subscriber == null || subscriber.connection() != null) return;
            removeAll(subscriber);
            forgetIfEmpty(subscriber);
        } finally {
            changing.unlock();
        }
    }

    /** Adds or replaces a subscription; true if the client had none with this filter. */
    public boolean subscribe(Connection connection, boolean durable, StoredSubscription stored) {
        changing.lock();
        try {
            var subscriber = subscribers.get(connection.clientId());
            if (subscriber != null && subscriber.connection() != connection) {
                var other = subscriber.connection();
                if (other != null && other.epoch() > connection.epoch()) return false;
                drop(subscriber); // left by an earlier connection that did not know yet that it was taken over
                subscriber = null;
            }
            if (subscriber == null) {
                subscriber = subscriber(connection);
                subscriber.attach(connection, durable);
            }
            return add(subscriber, stored);
        } finally {
            changing.unlock();
        }
    }

    public ReasonCode unsubscribe(Connection connection, TopicFilter filter) {
        changing.lock();
        try {
            var subscriber = subscribers.get(connection.clientId());
            if (subscriber == null || subscriber.connection() != connection || !remove(subscriber, filter))
                return ReasonCode.NO_SUBSCRIPTION_EXISTED;
            return ReasonCode.SUCCESS;
        } finally {
            changing.unlock();
        }
    }

    /** The client's entry, null if it has no subscription. */
    public Subscriber find(String clientId) {
        return subscribers.get(clientId);
    }

    /**
     * Who gets a message: each client once, and of each Shared Subscription one member.
     *
     * @param publisher client id, or null; clients with No Local do not get what they publish [MQTT-3.8.3-3]
     */
    public List<Match> route(TopicName topicName, String publisher) {
        var routing = new Routing(publisher);
        index.forEachMatch(topicName, routing::take);
        return routing.matches();
    }

    /**
     * Another member for a message that one who left has not acknowledged; null if there is none.
     *
     * @param leaving the connection of the one who left, null for none
     */
    public Match another(String share, TopicName topicName, Connection leaving) {
        var members = new ArrayList<Interest>();
        index.forEachMatch(topicName, interest -> {
            var isMember =
                    interest.group() != null && interest.filter().toString().equals(share);
            if (isMember && (leaving == null || interest.subscriber().connection() != leaving)) members.add(interest);
        });
        return members.isEmpty() ? null : new Match(members.getFirst().group().choose(members));
    }

    /** Changes with every change of the subscriptions, after it. */
    public long version() {
        return version;
    }

    public long subscriptions() {
        return index.size();
    }

    private Subscriber subscriber(Connection connection) {
        return subscribers.computeIfAbsent(
                connection.clientId(), clientId -> new Subscriber(clientId, connection.sessionId()));
    }

    private boolean add(Subscriber subscriber, StoredSubscription stored) {
        var isShared = stored.filter().startsWith("$share/");
        var group = isShared ? groups.computeIfAbsent(stored.filter(), _ -> new ShareGroup()) : null;
        var interest = Interest.of(subscriber, stored, group);
        var isNew = subscriber.interests().put(interest.filter(), interest) == null;
        index.add(interest.filter(), interest);
        changed();
        if (group != null && isNew) group.joined();
        return isNew;
    }

    /** Under the lock. */
    private void changed() {
        version = version + 1;
    }

    private boolean remove(Subscriber subscriber, TopicFilter filter) {
        var interest = subscriber.interests().remove(filter);
        if (interest == null) return false;
        index.remove(filter, interest);
        changed();
        if (interest.group() != null && interest.group().left() == 0) groups.remove(filter.toString());
        return true;
    }

    /** Ends an entry. Each session has one of its own: what is told late of an earlier one finds nobody. */
    private void drop(Subscriber subscriber) {
        subscriber.detach();
        removeAll(subscriber);
        forgetIfEmpty(subscriber);
    }

    private void removeAll(Subscriber subscriber) {
        for (var filter : List.copyOf(subscriber.interests().keySet())) remove(subscriber, filter);
    }

    /** Not while it is online: copies that are on their way still have to find its connection. */
    private void forgetIfEmpty(Subscriber subscriber) {
        if (subscriber.interests().isEmpty() && subscriber.connection() == null)
            subscribers.remove(subscriber.clientId(), subscriber);
    }

    /** Gathers the matches of one message. */
    private static final class Routing {
        private final String publisher;
        private final ArrayList<Match> matches = new ArrayList<>();
        private Map<Subscriber, Match> overlapping;
        private Map<ShareGroup, List<Interest>> shared;

        Routing(String publisher) {
            this.publisher = publisher;
        }

        void take(Interest interest) {
            if (interest.group() != null) {
                if (shared == null) shared = new IdentityHashMap<>();
                shared.computeIfAbsent(interest.group(), _ -> new ArrayList<>()).add(interest);
            } else if (!interest.noLocal() || !interest.subscriber().clientId().equals(publisher)) {
                takeOwn(interest);
            }
        }

        private void takeOwn(Interest interest) {
            var subscriber = interest.subscriber();
            if (subscriber.interests().size() == 1) {
                matches.add(new Match(interest));
                return;
            }
            if (overlapping == null) overlapping = new IdentityHashMap<>();
            var known = overlapping.get(subscriber);
            if (known != null) {
                known.merge(interest);
                return;
            }
            var match = new Match(interest);
            matches.add(match);
            overlapping.put(subscriber, match);
        }

        List<Match> matches() {
            if (shared != null) shared.forEach((group, members) -> matches.add(new Match(group.choose(members))));
            return matches;
        }
    }
}

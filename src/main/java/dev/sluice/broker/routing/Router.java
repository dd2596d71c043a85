package dev.sluice.broker.routing;

import dev.sluice.config.MqttConfig.ShareOrder;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.SubscriptionIndex;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ObjLongConsumer;
import java.util.stream.Collectors;

/**
 * Owns the subscriptions of all clients, those that are offline included. Any thread may use it: routing never waits, changes
 * take turns.
 */
public final class Router {
    private final SubscriptionIndex<Subscribed> index = new SubscriptionIndex<>();
    private final Map<String, Subscriber> subscribers = new ConcurrentHashMap<>();
    private final OwnInterest interest = new OwnInterest();
    private final SubscriptionTotals totals;
    private final SharedRouting shares;
    private final ReentrantLock changing = new ReentrantLock();
    /** One for all subscribers. */
    private final ObjLongConsumer<String> ended = this::forget;

    private volatile long version;
    private volatile long arrivals;

    public Router() {
        this(ShareOrder.NONE, 0);
    }

    /**
     * @param order what is always given to the same member of a Shared Subscription
     * @param mostBytes of all subscriptions, 0 for any number
     */
    public Router(ShareOrder order, long mostBytes) {
        this.shares = new SharedRouting(order, this::find);
        this.totals = new SubscriptionTotals(mostBytes);
    }

    /** Who else of a Shared Subscription gets a message. */
    public SharedRouting shares() {
        return shares;
    }

    /** What the clients that are connected here want. */
    OwnInterest interest() {
        return interest;
    }

    /**
     * Adds or replaces subscriptions of a stored session that no connection here holds, as PostgreSQL has them, or as the gateway tells that
     * has written them.
     *
     * @param epoch of the connection that wrote them last, as far as is known
     * @return false if it is told behind what a later connection has done: then only PostgreSQL knows what holds
     */
    public boolean restore(String clientId, long sessionId, long epoch, List<StoredSubscription> stored) {
        changing.lock();
        try {
            upFrom(clientId, sessionId);
            var subscriber = subscribers.computeIfAbsent(clientId, _ -> new Subscriber(clientId, sessionId, ended));
            if (isOutdated(subscriber, sessionId, epoch)) return true;
            if (epoch < subscriber.epoch()) return false;
            subscriber.restore(epoch);
            for (var each : stored) add(subscriber, TopicFilter.of(each.filter()), each);
            return true;
        } finally {
            changing.unlock();
        }
    }

    /** The same for subscriptions that have ended. */
    public boolean remove(String clientId, long sessionId, long epoch, List<String> filters) {
        changing.lock();
        try {
            var subscriber = upFrom(clientId, sessionId);
            if (subscriber == null || isOutdated(subscriber, sessionId, epoch)) return true;
            if (epoch < subscriber.epoch()) return false;
            subscriber.restore(epoch);
            for (var filter : filters) remove(subscriber, TopicFilter.of(filter));
            forgetIfEmpty(subscriber);
            return true;
        } finally {
            changing.unlock();
        }
    }

    /** The same for a session that has exactly these. */
    public void replace(String clientId, long sessionId, long epoch, List<StoredSubscription> all) {
        changing.lock();
        try {
            if (!restore(clientId, sessionId, epoch, all)) return;
            var subscriber = subscribers.get(clientId);
            if (isOutdated(subscriber, sessionId, epoch)) return;
            removeOthers(subscriber, all);
            forgetIfEmpty(subscriber);
        } finally {
            changing.unlock();
        }
    }

    /** The client's entry, if it is of this session or a later one: an earlier one is over. */
    private Subscriber upFrom(String clientId, long sessionId) {
        var subscriber = subscribers.get(clientId);
        if (subscriber == null || subscriber.sessionId() >= sessionId) return subscriber;
        drop(subscriber);
        return null;
    }

    /** Whether the client has a later session, or a connection here that has read what is told. */
    private static boolean isOutdated(Subscriber subscriber, long sessionId, long epoch) {
        var recipient = subscriber.recipient();
        return subscriber.sessionId() > sessionId || recipient != null && recipient.epoch() >= epoch;
    }

    /**
     * Notes that a connection holds the client's session from now on, with exactly these subscriptions. Does nothing if a later connection
     * holds it.
     *
     * @param resumed whether it is the session that was there before
     * @param durable whether its messages wait in PostgreSQL
     */
    public void attach(Recipient recipient, boolean resumed, boolean durable, List<StoredSubscription> subscriptions) {
        changing.lock();
        try {
            var subscriber = subscribers.get(recipient.clientId());
            if (isOvertaken(recipient, subscriber)) return;
            // It may have been resumed, but not be the one that was known here: another gateway has begun it.
            if (subscriber != null && (!resumed || subscriber.sessionId() != recipient.sessionId())) {
                drop(subscriber);
                subscriber = null;
            }
            if (subscriber == null && subscriptions.isEmpty() && !durable) return; // an entry comes with the first one
            if (subscriber == null) subscriber = subscriber(recipient);
            interest.leave(subscriber);
            removeOthers(subscriber, subscriptions);
            for (var stored : subscriptions) {
                var filter = TopicFilter.of(stored.filter());
                if (!subscriber.has(filter, stored)) add(subscriber, filter, stored);
            }
            subscriber.attach(recipient, durable);
            interest.enter(subscriber);
            arrivals = arrivals + 1;
        } finally {
            changing.unlock();
        }
    }

    /** The connection is gone; its client's subscriptions stay if the session does. */
    public void detach(Recipient recipient, boolean sessionEnds) {
        changing.lock();
        try {
            var subscriber = subscribers.get(recipient.clientId());
            if (subscriber == null || subscriber.recipient() != recipient) return;
            leave(subscriber);
            // What PostgreSQL does not keep ends with its connection, also if that was taken over.
            if (sessionEnds || !subscriber.isDurable() || subscriber.isGone()) removeAll(subscriber);
            forgetIfEmpty(subscriber);
        } finally {
            changing.unlock();
        }
    }

    /** The session has ended: it is forgotten once no connection here holds it; nothing happens if the client has begun another one. */
    public void forget(String clientId, long sessionId) {
        changing.lock();
        try {
            var subscriber = subscribers.get(clientId);
            if (subscriber == null || subscriber.sessionId() != sessionId) return;
            subscriber.end();
            if (subscriber.recipient() != null) return;
            removeAll(subscriber);
            forgetIfEmpty(subscriber);
        } finally {
            changing.unlock();
        }
    }

    /**
     * Adds or replaces a subscription; true if the client had none with this filter.
     *
     * @param filter that of the stored one
     */
    public boolean subscribe(Recipient recipient, boolean durable, TopicFilter filter, StoredSubscription stored) {
        changing.lock();
        try {
            // Whatever it had is gone: the later connection may have nothing, so that no entry says so.
            if (recipient.isTakenOver()) return false;
            var subscriber = subscribers.get(recipient.clientId());
            if (isOvertaken(recipient, subscriber)) return false;
            if (subscriber != null && subscriber.recipient() != recipient) {
                drop(subscriber); // left by an earlier connection that did not know yet that it was taken over
                subscriber = null;
            }
            if (subscriber == null) {
                subscriber = subscriber(recipient);
                subscriber.attach(recipient, durable);
                interest.enter(subscriber);
            }
            return add(subscriber, filter, stored);
        } finally {
            changing.unlock();
        }
    }

    public ReasonCode unsubscribe(Recipient recipient, TopicFilter filter) {
        changing.lock();
        try {
            var subscriber = subscribers.get(recipient.clientId());
            if (subscriber == null || subscriber.recipient() != recipient || !remove(subscriber, filter))
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

    /** The sessions of clients that are offline here and have subscriptions, as far as they are when they are looked at. */
    public Iterator<EndedSession> offline() {
        return subscribers.values().stream()
                .filter(subscriber -> subscriber.recipient() == null)
                .map(subscriber -> new EndedSession(subscriber.clientId(), subscriber.sessionId()))
                .iterator();
    }

    /** A member of a Shared Subscription is connected to another gateway. */
    void enter(RemoteMember member) {
        changing.lock();
        try {
            var group = shares.group(member.filter());
            var isFirst = group.isEmpty();
            group.enter(member, shares.stored(member));
            if (isFirst) index.add(member.filter(), group);
            if (isFirst) changed();
            else arrivals = arrivals + 1;
        } finally {
            changing.unlock();
        }
    }

    /** It is so no more. */
    void leave(RemoteMember member) {
        changing.lock();
        try {
            var group = shares.find(member.filter().toString());
            if (group == null) return;
            group.leave(member);
            forgetIfEmpty(member.filter(), group);
        } finally {
            changing.unlock();
        }
    }

    /** Finds who gets a message by subscriptions of their own: each client once. */
    List<Match> routeToOwn(TopicName topicName, String publisher) {
        return route(topicName, publisher, null).matches();
    }

    /**
     * Finds who gets a message: each client once, and one member of each Shared Subscription.
     *
     * @param publisher client id, or null; clients with No Local do not get what they publish [MQTT-3.8.3-3]
     * @param qos of the message; null if no member of a Shared Subscription gets it
     */
    Routing route(TopicName topicName, String publisher, QoS qos) {
        var routing = new Routing(topicName, publisher, qos);
        index.forEachMatch(topicName, routing::take);
        return routing;
    }

    /** Whether clients that are connected may get messages of a topic. */
    boolean hasListeners(TopicName topicName) {
        var listeners = new Listeners();
        index.forEachMatch(topicName, listeners);
        return listeners.found();
    }

    /** A message with everybody who is owed it, as far as this gateway gives it to them. */
    public Publication publication(Message message, String publisher) {
        var routing = route(message.topicName(), publisher, message.qos());
        return Publication.of(message, routing.matches());
    }

    /** Changes with every change of the subscriptions, after it. */
    public long version() {
        return version;
    }

    /** Changes with the {@link #version}, and whenever a client that has subscriptions comes back. */
    public long arrivals() {
        return version + arrivals;
    }

    public SubscriptionTotals totals() {
        return totals;
    }

    private Subscriber subscriber(Recipient recipient) {
        return subscribers.computeIfAbsent(
                recipient.clientId(), clientId -> new Subscriber(clientId, recipient.sessionId(), ended));
    }

    /** Whether a later connection of the client has the session, here or at another gateway. */
    private static boolean isOvertaken(Recipient recipient, Subscriber known) {
        return known != null && known.epoch() > recipient.epoch();
    }

    private void removeOthers(Subscriber subscriber, List<StoredSubscription> kept) {
        var filters = kept.stream().map(StoredSubscription::filter).collect(Collectors.toSet());
        for (var filter : List.copyOf(subscriber.subscriptions().keySet()))
            if (!filters.contains(filter.toString())) remove(subscriber, filter);
    }

    private boolean add(Subscriber subscriber, TopicFilter asked, StoredSubscription stored) {
        var replaced = subscriber.subscriptions().get(asked);
        var filter = replaced == null ? asked : replaced.filter(); // one text for each, and not two
        var group = filter.isShared() ? shares.group(filter) : null;
        var subscription = LiveSubscription.of(subscriber, filter, stored, group);
        if (group == null) {
            index.add(filter, subscription);
        } else {
            var isFirst = group.isEmpty();
            group.put(subscription);
            if (isFirst) index.add(filter, group);
        }
        interest.put(subscription, replaced);
        changed();
        if (!subscriber.put(subscription)) return false;
        totals.add(filter);
        return true;
    }

    /** Under the lock. */
    private void changed() {
        version = version + 1;
    }

    private boolean remove(Subscriber subscriber, TopicFilter filter) {
        var subscription = subscriber.remove(filter);
        if (subscription == null) return false;
        interest.remove(subscription);
        totals.remove(filter);
        var group = subscription.group();
        if (group == null) {
            index.remove(filter, subscription);
        } else {
            group.remove(subscription);
            forgetIfEmpty(filter, group);
        }
        changed();
        return true;
    }

    private void forgetIfEmpty(TopicFilter filter, ShareGroup group) {
        if (!group.isEmpty()) return;
        index.remove(filter, group);
        shares.forget(filter);
        changed();
    }

    /** Ends an entry. Each session has its own, so late news of an earlier session finds nobody. */
    private void drop(Subscriber subscriber) {
        leave(subscriber);
        removeAll(subscriber);
        forgetIfEmpty(subscriber);
    }

    private void leave(Subscriber subscriber) {
        interest.leave(subscriber);
        subscriber.detach();
    }

    private void removeAll(Subscriber subscriber) {
        for (var filter : List.copyOf(subscriber.subscriptions().keySet())) remove(subscriber, filter);
    }

    /** Keeps the entry while the client is online: copies under way still have to find its connection. */
    private void forgetIfEmpty(Subscriber subscriber) {
        if (subscriber.subscriptions().isEmpty() && subscriber.recipient() == null)
            subscribers.remove(subscriber.clientId(), subscriber);
    }
}

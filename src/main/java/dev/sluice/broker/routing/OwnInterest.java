package dev.sluice.broker.routing;

import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.ToAll;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Owns what the clients that are connected here want of each Topic Filter, and how far the other gateways have heard of it. Any thread may
 * use it; the {@link Router} tells it of subscriptions, under its lock.
 *
 * <p>One task at a time announces what has changed: what changes meanwhile goes along in the next message.
 */
public final class OwnInterest {
    /** A message has at most so many filters, and characters of filters, but at least one. */
    private static final int MOST_FILTERS = 1000;

    private static final int MOST_CHARACTERS = 64 * 1024;

    private final Map<TopicFilter, Want> wants = new HashMap<>();
    private final ArrayDeque<Announcement> unsent = new ArrayDeque<>();
    private boolean announcing;
    /** Null before there are others. */
    private volatile Relay relay;

    private Executor executor;

    /** What is wanted of one filter; under the lock of the interest. */
    private static final class Want {
        private final TopicFilter filter;
        /** Subscriptions that need every message. */
        private int all;
        /** Subscriptions that need what PostgreSQL does not keep: messages of QoS 0. */
        private int atMostOnce;
        /** As announced last. */
        private Reach told = Reach.NONE;
        /** The one that is going to tell what has changed; null if nothing has. */
        private Announcement listed;
        /** The one that told what is told; null once all have seen it. */
        private Announcement unseen;

        Want(TopicFilter filter) {
            this.filter = filter;
        }

        Reach reach() {
            if (all > 0) return Reach.ALL;
            return atMostOnce > 0 ? Reach.AT_MOST_ONCE : Reach.NONE;
        }

        boolean isMoreThanTold() {
            return reach().compareTo(told) > 0;
        }

        void count(Reach reach, int by) {
            if (reach == Reach.ALL) all += by;
            else atMostOnce += by;
        }
    }

    /** One message, and who waits until all have seen it; under the lock of the interest. */
    private static final class Announcement {
        private final List<Want> wants = new ArrayList<>(1);
        private final List<Runnable> waiting = new ArrayList<>(1);
        private int characters;

        boolean hasRoomFor(TopicFilter filter) {
            return wants.size() < MOST_FILTERS && characters + filter.toString().length() <= MOST_CHARACTERS;
        }

        void list(Want want) {
            want.listed = this;
            wants.add(want);
            characters += want.filter.toString().length();
        }
    }

    /**
     * From now on there may be others; before the first connection.
     *
     * @param executor runs what announces
     */
    void announceTo(Relay relay, Executor executor) {
        this.executor = executor;
        this.relay = relay;
    }

    private boolean isAlone() {
        return relay == null || relay.isAlone();
    }

    /** What a connected client is to get by a subscription, as PostgreSQL does not keep it for the client. */
    private static Reach reach(boolean durable, QoS maximumQoS) {
        return durable && maximumQoS != QoS.AT_MOST_ONCE ? Reach.AT_MOST_ONCE : Reach.ALL;
    }

    /** The client is connected from now on. */
    synchronized void enter(Subscriber subscriber) {
        subscriber.countAs(subscriber.isDurable() ? Subscriber.Counted.DURABLE : Subscriber.Counted.LIVE);
        for (var subscription : subscriber.subscriptions().values()) count(subscription, 1);
        announce();
    }

    /** It is no more, or is about to have other subscriptions. */
    synchronized void leave(Subscriber subscriber) {
        for (var subscription : subscriber.subscriptions().values()) count(subscription, -1);
        subscriber.countAs(Subscriber.Counted.NOT);
        announce();
    }

    /** @param replaced null for none */
    synchronized void put(LiveSubscription subscription, LiveSubscription replaced) {
        count(subscription, 1);
        if (replaced != null) count(replaced, -1);
        announce();
    }

    synchronized void remove(LiveSubscription subscription) {
        count(subscription, -1);
        announce();
    }

    private void count(LiveSubscription subscription, int by) {
        var counted = subscription.subscriber().counted();
        if (counted == Subscriber.Counted.NOT || subscription.filter().isServers())
            return; // each has figures of its own
        var want = wants.computeIfAbsent(subscription.filter(), Want::new);
        want.count(reach(counted == Subscriber.Counted.DURABLE, subscription.maximumQoS()), by);
        if (want.listed != null || want.reach() == want.told) return;
        // Whoever joins is told the whole before a client is connected there.
        if (isAlone()) told(want);
        else list(want);
    }

    private void told(Want want) {
        want.told = want.reach();
        if (want.told == Reach.NONE) wants.remove(want.filter);
    }

    private void list(Want want) {
        var last = unsent.peekLast();
        if (last == null || !last.hasRoomFor(want.filter)) {
            last = new Announcement();
            unsent.add(last);
        }
        last.list(want);
    }

    private void announce() {
        if (announcing || unsent.isEmpty()) return;
        announcing = true;
        executor.execute(this::run);
    }

    private void run() {
        for (var next = take(); next != null; next = take()) {
            var announcement = next;
            var changes = changes(announcement);
            if (changes.isEmpty()) seen(announcement);
            else relay.announce(new Interest(changes), () -> seen(announcement));
        }
    }

    private synchronized Announcement take() {
        var next = unsent.poll();
        announcing = next != null;
        return next;
    }

    private synchronized List<Wanted> changes(Announcement announcement) {
        var changes = new ArrayList<Wanted>(announcement.wants.size());
        for (var want : announcement.wants) {
            want.listed = null;
            if (want.reach() == want.told) continue;
            if (want.isMoreThanTold()) want.unseen = announcement;
            told(want);
            changes.add(new Wanted(want.filter.toString(), want.told));
        }
        return changes;
    }

    private void seen(Announcement announcement) {
        List<Runnable> due;
        synchronized (this) {
            for (var want : announcement.wants) if (want.unseen == announcement) want.unseen = null;
            due = List.copyOf(announcement.waiting);
            announcement.waiting.clear();
        }
        due.forEach(Runnable::run);
    }

    /**
     * Waits until all other gateways have seen what is wanted of these filters, as far as it is wanted at all.
     *
     * @param then run once, on any thread; never if nothing is waited for
     * @return whether anything is waited for
     */
    public synchronized boolean awaitSeen(Collection<TopicFilter> filters, Runnable then) {
        if (isAlone()) return false;
        var unseen = new LinkedHashSet<Announcement>();
        for (var filter : filters) {
            var want = wants.get(filter);
            if (want == null) continue;
            var last = want.isMoreThanTold() ? want.listed : want.unseen;
            if (last != null) unseen.add(last);
        }
        var missing = new AtomicInteger(unseen.size());
        for (var one : unseen)
            one.waiting.add(() -> {
                if (missing.decrementAndGet() == 0) then.run();
            });
        return !unseen.isEmpty();
    }

    /** All that is wanted, for one who knows nothing yet. */
    synchronized List<ToAll> whole() {
        var whole = new ArrayList<ToAll>();
        var some = new ArrayList<Wanted>();
        var characters = 0;
        for (var want : wants.values()) {
            if (want.reach() == Reach.NONE) continue;
            var text = want.filter.toString();
            if (some.size() == MOST_FILTERS || !some.isEmpty() && characters + text.length() > MOST_CHARACTERS) {
                whole.add(new Interest(some));
                some = new ArrayList<>();
                characters = 0;
            }
            some.add(new Wanted(text, want.reach()));
            characters += text.length();
        }
        if (!some.isEmpty()) whole.add(new Interest(some));
        return whole;
    }
}

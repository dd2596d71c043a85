package dev.sluice.broker.routing;

import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Member;
import dev.sluice.cluster.RelayMessage.Members;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Owns what the clients that are connected here want of each Topic Filter, of Shared Subscriptions each member by itself, and how far the other
 * gateways have heard of it. Any thread may use it; the {@link Router} tells it of subscriptions, under its lock.
 *
 * <p>One task at a time announces what has changed: what changes meanwhile goes along in the next message.
 */
public final class OwnInterest {
    /** A message has at most so many filters, and characters of filters, but at least one. */
    private static final int MOST_FILTERS = 1000;

    private static final int MOST_CHARACTERS = 64 * 1024;

    /** By their Topic Filter, or by {@link Membership}. */
    private final Map<Object, Want> wants = new HashMap<>();
    /** Those connected here that are members of Shared Subscriptions, with how many they have. */
    private final Map<Subscriber, Integer> sharing = new ConcurrentHashMap<>();

    private final ArrayDeque<Announcement> unsent = new ArrayDeque<>();
    private boolean announcing;
    /** Null before there are others. */
    private volatile Relay relay;

    private Executor executor;

    private record Membership(TopicFilter filter, String clientId, long sessionId) {
        static Object of(TopicFilter filter, String clientId, long sessionId) {
            return filter.isShared() ? new Membership(filter, clientId, sessionId) : filter;
        }
    }

    /** What is wanted of one filter; under the lock of the interest. */
    private static final class Want {
        private final TopicFilter filter;
        /** Null if it is not shared. */
        private final Membership member;
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

        Want(Object key) {
            this.member = key instanceof Membership membership ? membership : null;
            this.filter = member == null ? (TopicFilter) key : member.filter();
        }

        Object key() {
            return member == null ? filter : member;
        }

        int characters() {
            return filter.toString().length()
                    + (member == null ? 0 : member.clientId().length());
        }

        /** Whether nothing is to be remembered of it. */
        boolean isOver() {
            return told == Reach.NONE && reach() == Reach.NONE && listed == null && unseen == null;
        }

        /** Adds what it is by now. */
        void tell(Changes changes) {
            var text = filter.toString();
            if (member == null) changes.filters.add(new Wanted(text, reach()));
            else changes.members.add(new Member(member.clientId(), member.sessionId(), text, reach()));
        }

        Reach reach() {
            if (all > 0) return Reach.ALL;
            return atMostOnce > 0 ? Reach.AT_MOST_ONCE : Reach.NONE;
        }

        /** Whether it has changed in such a way that clients wait until others have seen it: a member leaves at all gateways at once. */
        boolean isWaitedFor() {
            return member == null ? reach().compareTo(told) > 0 : reach() != told;
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

        boolean hasRoomFor(Want want) {
            return wants.size() < MOST_FILTERS && characters + want.characters() <= MOST_CHARACTERS;
        }

        void list(Want want) {
            want.listed = this;
            wants.add(want);
            characters += want.characters();
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
        var subscriber = subscription.subscriber();
        var filter = subscription.filter();
        if (filter.isShared()) sharing.merge(subscriber, by, (one, two) -> one + two == 0 ? null : one + two);
        var key = Membership.of(filter, subscriber.clientId(), subscriber.sessionId());
        var want = wants.computeIfAbsent(key, Want::new);
        want.count(reach(counted == Subscriber.Counted.DURABLE, subscription.maximumQoS()), by);
        if (want.listed != null) return;
        // Whoever joins is told the whole before a client is connected there.
        if (isAlone()) want.told = want.reach();
        if (want.reach() == want.told) forgetIfOver(want);
        else list(want);
    }

    private void forgetIfOver(Want want) {
        if (want.isOver()) wants.remove(want.key(), want);
    }

    private void list(Want want) {
        var last = unsent.peekLast();
        if (last == null || !last.hasRoomFor(want)) {
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
            var messages = new ArrayList<ToAll>(1);
            changes(announcement).addTo(messages);
            // Who has seen the last one has seen those before.
            for (int i = 0; i < messages.size() - 1; i++) relay.announce(messages.get(i), () -> {});
            if (messages.isEmpty()) seen(announcement);
            else relay.announce(messages.getLast(), () -> seen(announcement));
        }
    }

    private synchronized Announcement take() {
        var next = unsent.poll();
        announcing = next != null;
        return next;
    }

    /** What one announcement tells. */
    private record Changes(List<Wanted> filters, List<Member> members) {
        int size() {
            return filters.size() + members.size();
        }

        void addTo(List<ToAll> messages) {
            if (!filters.isEmpty()) messages.add(new Interest(filters));
            if (!members.isEmpty()) messages.add(new Members(members));
        }
    }

    private synchronized Changes changes(Announcement announcement) {
        var changes = new Changes(new ArrayList<>(), new ArrayList<>(0));
        for (var want : announcement.wants) {
            want.listed = null;
            if (want.reach() != want.told) {
                if (want.isWaitedFor()) want.unseen = announcement;
                want.told = want.reach();
                want.tell(changes);
            }
            forgetIfOver(want);
        }
        return changes;
    }

    private void seen(Announcement announcement) {
        List<Runnable> due;
        synchronized (this) {
            for (var want : announcement.wants) {
                if (want.unseen != announcement) continue;
                want.unseen = null;
                forgetIfOver(want);
            }
            due = List.copyOf(announcement.waiting);
            announcement.waiting.clear();
        }
        due.forEach(Runnable::run);
    }

    /**
     * Waits until all other gateways have seen what a client wants of these filters, as far as it wants it at all; and of which Shared
     * Subscriptions it is no member any more.
     *
     * @param then run once, on any thread; never if nothing is waited for
     * @return whether anything is waited for
     */
    public synchronized boolean awaitSeen(Recipient client, Collection<TopicFilter> filters, Runnable then) {
        if (isAlone()) return false;
        var unseen = new LinkedHashSet<Announcement>();
        for (var filter : filters) {
            var want = wants.get(Membership.of(filter, client.clientId(), client.sessionId()));
            if (want == null) continue;
            var last = want.isWaitedFor() ? want.listed : want.unseen;
            if (last != null) unseen.add(last);
        }
        var missing = new AtomicInteger(unseen.size());
        for (var one : unseen)
            one.waiting.add(() -> {
                if (missing.decrementAndGet() == 0) then.run();
            });
        return !unseen.isEmpty();
    }

    /** The clients connected here that are members of Shared Subscriptions, as far as they are while they are gone through. */
    Collection<Subscriber> sharing() {
        return sharing.keySet();
    }

    /** All that is wanted, for one who knows nothing yet. */
    synchronized List<ToAll> whole() {
        var whole = new ArrayList<ToAll>();
        var some = new Changes(new ArrayList<>(), new ArrayList<>());
        var characters = 0;
        for (var want : wants.values()) {
            if (want.reach() == Reach.NONE) continue;
            var isFull = some.size() == MOST_FILTERS || characters + want.characters() > MOST_CHARACTERS;
            if (isFull && some.size() > 0) {
                some.addTo(whole);
                some = new Changes(new ArrayList<>(), new ArrayList<>());
                characters = 0;
            }
            want.tell(some);
            characters += want.characters();
        }
        some.addTo(whole);
        return whole;
    }
}

package dev.sluice.broker.routing;

import dev.sluice.packet.QoS;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;

/**
 * The members of a Shared Subscription, and which of them gets the next message: in a time that does not grow with their number. Any thread
 * may {@link #choose}; the router changes it under its lock.
 */
final class ShareGroup implements Subscribed {
    /** How many connected members are asked at most whether they can take a message now. */
    private static final int ASKED = 32;
    /** How many are looked at, at most, for one whose queue is not full. */
    private static final int LOOKED_AT = 1024;

    private static final Demand[] DEMANDS = Demand.values();

    /** As it was written, with its prefix. */
    private final String filter;

    private final Members connected = new Members();
    private final Members away = new Members();
    private final AtomicInteger turn = new AtomicInteger();

    ShareGroup(String filter) {
        this.filter = filter;
    }

    String filter() {
        return filter;
    }

    /** Members in a row, each with its place; a place that becomes free is taken by the last. */
    private static final class Members {
        private final Map<Subscriber, Integer> places = new HashMap<>();
        private volatile AtomicReferenceArray<LiveSubscription> row = new AtomicReferenceArray<>(2);
        private volatile int count;

        void put(LiveSubscription member) {
            var place = places.putIfAbsent(member.subscriber(), count);
            if (place != null) {
                row.set(place, member);
                return;
            }
            if (count == row.length()) {
                var longer = new AtomicReferenceArray<LiveSubscription>(2 * count);
                for (int i = 0; i < count; i++) longer.set(i, row.get(i));
                row = longer;
            }
            row.set(count, member);
            count = count + 1;
        }

        void remove(Subscriber subscriber) {
            var place = places.remove(subscriber);
            if (place == null) return;
            var last = row.get(count - 1);
            if (place < count - 1) {
                row.set(place, last);
                places.put(last.subscriber(), place);
            }
            count = count - 1;
            row.set(count, null);
        }

        /** Who stands there; null if it has just been left, or is this one. */
        LiveSubscription at(int place, Recipient leaving) {
            var now = row;
            var member = place < now.length() ? now.get(place) : null;
            return member == null || leaving != null && member.subscriber().recipient() == leaving ? null : member;
        }

        /** The one whose turn it is, or the next one that will do. */
        LiveSubscription oneOf(int next, Recipient leaving, Predicate<LiveSubscription> demand) {
            var there = count;
            var most = Math.min(there, LOOKED_AT);
            for (int i = 0; i < most; i++) {
                var member = at(Math.floorMod(next + i, there), leaving);
                if (member != null && demand.test(member)) return member;
            }
            return null;
        }
    }

    /** What is asked of a member that cannot take a message at once: the best first. */
    private enum Demand {
        /** Its queue was not full lately. */
        ROOM,
        /** It is connected, or PostgreSQL keeps messages for it. */
        ABLE,
        ANY;

        boolean isMetBy(LiveSubscription member) {
            return switch (this) {
                case ROOM -> member.isAble() && !member.subscriber().isFull();
                case ABLE -> member.isAble();
                case ANY -> !member.subscriber().isGone();
            };
        }
    }

    /** Whether PostgreSQL keeps messages for a member, of QoS 1 and 2. */
    boolean hasKept() {
        return away.oneOf(0, null, ShareGroup::isKept) != null || connected.oneOf(0, null, ShareGroup::isKept) != null;
    }

    private static boolean isKept(LiveSubscription member) {
        return member.subscriber().isDurable() && member.maximumQoS() != QoS.AT_MOST_ONCE && member.isAble();
    }

    boolean isEmpty() {
        return connected.count == 0 && away.count == 0;
    }

    /** Adds a member, replaces its options, or notes that its client has come or gone: at no time it is in neither row. */
    void put(LiveSubscription member) {
        var isConnected = member.subscriber().recipient() != null;
        (isConnected ? connected : away).put(member);
        (isConnected ? away : connected).remove(member.subscriber());
    }

    void remove(LiveSubscription member) {
        connected.remove(member.subscriber());
        away.remove(member.subscriber());
    }

    /**
     * Takes turns among the members that can take a message now, else among those online, else among all [MQTT-4.8.2-3]; those whose
     * queues are full come last. Of many that are online some are asked, others with the next message.
     *
     * @return null if there is nobody
     */
    LiveSubscription choose() {
        return choose(null, Demand.ANY);
    }

    /**
     * Chooses another member for a message that one cannot take, or leaves unacknowledged.
     *
     * @param leaving the connection of a member that gets none, null for none
     * @param withRoom whether one with a full queue will not do
     * @return null if there is nobody who is connected, or whose session can keep it
     */
    LiveSubscription another(Recipient leaving, boolean withRoom) {
        return choose(leaving, withRoom ? Demand.ROOM : Demand.ABLE);
    }

    private LiveSubscription choose(Recipient leaving, Demand least) {
        var next = turn.getAndIncrement();
        var ready = ready(next, leaving);
        if (ready != null) return ready;
        for (var demand : DEMANDS) {
            var member = connected.oneOf(next, leaving, demand::isMetBy);
            if (member == null) member = away.oneOf(next, leaving, demand::isMetBy);
            if (member != null || demand == least) return member;
        }
        return null;
    }

    /** The member whose turn it is of those that can take a message now; null if none can. */
    LiveSubscription chooseReady() {
        return ready(turn.getAndIncrement(), null);
    }

    private LiveSubscription ready(int next, Recipient leaving) {
        var online = connected.count;
        return online <= ASKED ? amongFew(online, next, leaving) : amongMany(online, next, leaving);
    }

    /** Null if none is ready, or if they have changed meanwhile. */
    private LiveSubscription amongFew(int count, int next, Recipient leaving) {
        var ready = 0;
        for (int i = 0; i < count; i++) if (isReady(connected.at(i, leaving))) ready++;
        if (ready == 0) return null;
        var nth = Math.floorMod(next, ready);
        for (int i = 0; i < count; i++) {
            var member = connected.at(i, leaving);
            if (isReady(member) && nth-- == 0) return member;
        }
        return null;
    }

    private LiveSubscription amongMany(int count, int next, Recipient leaving) {
        for (int i = 0; i < ASKED; i++) {
            var member = connected.at(Math.floorMod(next + i, count), leaving);
            if (isReady(member)) return member;
        }
        return null;
    }

    private static boolean isReady(LiveSubscription member) {
        return member != null
                && member.subscriber().isReady()
                && !member.subscriber().isGone();
    }
}

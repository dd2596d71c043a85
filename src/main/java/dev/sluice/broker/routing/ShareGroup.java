package dev.sluice.broker.routing;

import dev.sluice.config.MqttConfig.ShareOrder;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.store.delivery.SharedQueues.Away;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The members of a Shared Subscription at all gateways, and which of them gets the next message: in a time that does not grow with their
 * number. Any thread may {@link #choose}; the router changes it under its lock.
 *
 * <p>Turns go round all members that are connected, wherever that is: who is connected to the publisher's gateway gets no more than the
 * others.
 */
final class ShareGroup implements Subscribed {
    /** How many connected members are asked at most whether they can take a message now. */
    private static final int ASKED = 32;
    /** How many are looked at, at most, for one whose queue is not full. */
    private static final int LOOKED_AT = 1024;

    private static final long NO_KEY = 0;
    private static final Demand[] DEMANDS = Demand.values();

    /** As it was written, with its prefix. */
    private final String filter;

    private final ShareOrder order;
    private final MemberRow<LiveSubscription> connected = new MemberRow<>(LiveSubscription::subscriber);
    private final MemberRow<RemoteMember> elsewhere = new MemberRow<>(member -> member);
    /** Their sessions wait in PostgreSQL. */
    private final MemberRow<LiveSubscription> away = new MemberRow<>(LiveSubscription::subscriber);
    /** Those elsewhere, under the router's lock. */
    private final Map<Session, List<RemoteMember>> bySession = new HashMap<>();
    /** Null without an order. */
    private final MemberRing onlineRing;

    private final MemberRing awayRing;
    private final AtomicInteger turn = new AtomicInteger();
    /** Until then no queue is looked for that has room. */
    private volatile long fullUntil = System.nanoTime();

    private record Session(String clientId, long id) {}

    ShareGroup(String filter, ShareOrder order) {
        this.filter = filter;
        this.order = order;
        this.onlineRing = order == ShareOrder.NONE ? null : new MemberRing();
        this.awayRing = order == ShareOrder.NONE ? null : new MemberRing();
    }

    /** What is asked of a member that cannot take a message at once: the best first. */
    private enum Demand {
        /** Its queue was not full lately. */
        ROOM,
        /** It is connected, or PostgreSQL keeps messages for it. */
        ABLE,
        ANY
    }

    /**
     * Who will do for a message.
     *
     * @param leaving the connection of a member that gets none, null for none
     * @param byLetter whether one will do that only another gateway can give it to
     */
    private record Wish(QoS qos, Recipient leaving, boolean byLetter) {
        boolean isFor(Member member) {
            if (member == null || leaving != null && member.isOf(leaving)) return false;
            if (!(member instanceof RemoteMember remote)) return true;
            var as = remote.as(qos);
            return as != null && (byLetter || as != remote);
        }

        boolean isReady(Member member) {
            return isFor(member) && member.isReady(qos);
        }

        boolean isMetBy(Member member, Demand demand) {
            return isFor(member)
                    && switch (demand) {
                        case ROOM -> member.isAble(qos) && !member.isFull();
                        case ABLE -> member.isAble(qos);
                        case ANY -> !member.isGone();
                    };
        }

        Member resolve(Member member) {
            return member instanceof RemoteMember remote ? remote.as(qos) : member;
        }
    }

    boolean isEmpty() {
        return connected.count() == 0 && elsewhere.count() == 0 && away.count() == 0;
    }

    /** Adds a member, replaces its options, or notes that its client has come or gone: at no time it is in no row. */
    void put(LiveSubscription member) {
        var there = bySession.getOrDefault(session(member), List.of());
        for (var each : there) each.stored(member);
        if (member.subscriber().recipient() != null) {
            connected.put(member);
            putOn(onlineRing, member);
            removeAway(member);
            return;
        }
        if (there.isEmpty()) {
            away.put(member);
            putOn(awayRing, member);
        } else {
            removeAway(member);
        }
        removeConnected(member);
    }

    void remove(LiveSubscription member) {
        removeConnected(member);
        removeAway(member);
        for (var each : bySession.getOrDefault(session(member), List.of())) each.stored(null);
    }

    private static void putOn(MemberRing ring, Member member) {
        if (ring != null) ring.put(member);
    }

    private void removeConnected(LiveSubscription member) {
        if (connected.remove(member) && onlineRing != null) onlineRing.remove(member);
    }

    private void removeAway(LiveSubscription member) {
        if (away.remove(member) && awayRing != null) awayRing.remove(member);
    }

    private static Session session(LiveSubscription member) {
        return new Session(member.clientId(), member.subscriber().sessionId());
    }

    /**
     * A member is connected to another gateway.
     *
     * @param stored its subscription as it is known here, null for none
     */
    void enter(RemoteMember member, LiveSubscription stored) {
        member.stored(stored);
        elsewhere.put(member);
        putOn(onlineRing, member);
        bySession
                .computeIfAbsent(new Session(member.clientId(), member.sessionId()), _ -> new ArrayList<>(1))
                .add(member);
        if (stored != null) put(stored);
    }

    /** It is so no more. */
    void leave(RemoteMember member) {
        var session = new Session(member.clientId(), member.sessionId());
        var there = bySession.get(session);
        if (there == null || !there.remove(member)) return;
        if (there.isEmpty()) bySession.remove(session);
        if (member.stored() != null) put(member.stored());
        elsewhere.remove(member);
        if (onlineRing != null) onlineRing.remove(member);
    }

    /**
     * Takes turns among the members that can take a message now, else among those online, else among all [MQTT-4.8.2-3]; those whose
     * queues are full come last. Of many that are online some are asked, others with the next message. With an order, the one that the topic
     * or the publisher belongs to gets it.
     *
     * @param publisher client id, or null
     * @return a {@link RemoteMember} if its gateway is to give it the message; null if there is nobody
     */
    Member choose(QoS qos, TopicName topic, String publisher) {
        return choose(new Wish(qos, null, true), key(topic, publisher), Demand.ANY);
    }

    /**
     * Chooses another member for a message that one cannot take, or leaves unacknowledged.
     *
     * @param leaving the connection of a member that gets none, null for none
     * @param withRoom whether one with a full queue will not do
     * @param byLetter whether one will do that only another gateway can give it to
     * @return null if there is nobody who is connected, or whose session can keep it
     */
    Member another(QoS qos, TopicName topic, Recipient leaving, boolean withRoom, boolean byLetter) {
        return choose(new Wish(qos, leaving, byLetter), key(topic, null), withRoom ? Demand.ROOM : Demand.ABLE);
    }

    /** All who can get a message, from the one whose turn it is; as far as they do not change meanwhile. */
    Stream<Member> able(Message message) {
        var wish = new Wish(message.qos(), null, true);
        var key = key(message.topicName(), null);
        var next = key == NO_KEY ? turn.getAndIncrement() : (int) key;
        return Stream.concat(inTurn(next, online(), this::onlineAt), inTurn(next, away.count(), away::at))
                .filter(member -> wish.isMetBy(member, Demand.ABLE))
                .map(wish::resolve);
    }

    private static Stream<Member> inTurn(int next, int count, IntFunction<Member> row) {
        return IntStream.range(0, count).mapToObj(i -> row.apply(Math.floorMod(next + i, count)));
    }

    /** All queues of its members have been found full. */
    void fullUntil(long then) {
        fullUntil = then;
    }

    /** Whether they are taken to be so still. */
    boolean isFull(long now) {
        return now - fullUntil < 0;
    }

    /**
     * Chooses who gets a message that another gateway has sent for a member here.
     *
     * @param chosen that member, null if it is none any more
     * @param mayGoOn whether it may go to yet another gateway
     */
    Member arrived(LiveSubscription chosen, QoS qos, TopicName topic, boolean mayGoOn) {
        var isHere = chosen != null && chosen.subscriber().recipient() != null && !chosen.isGone();
        if (isHere && (order != ShareOrder.NONE || chosen.isReady(qos))) return chosen;
        var wish = new Wish(qos, null, mayGoOn);
        if (order == ShareOrder.NONE) {
            var next = turn.getAndIncrement();
            var ready = ready(next, wish, connected.count());
            if (ready == null && mayGoOn) ready = ready(next, wish, online());
            if (ready != null) return wish.resolve(ready);
            if (isHere) return chosen;
        }
        return choose(wish, key(topic, null), Demand.ABLE);
    }

    private long key(TopicName topic, String publisher) {
        return switch (order) {
            case NONE -> NO_KEY;
            case TOPIC -> MemberRing.key(topic.toString());
            case CLIENT -> publisher == null ? NO_KEY : MemberRing.key(publisher);
        };
    }

    private Member choose(Wish wish, long key, Demand least) {
        return wish.resolve(key == NO_KEY ? inTurn(wish, least) : inOrder(wish, key, least));
    }

    private Member inOrder(Wish wish, long key, Demand least) {
        for (var demand : DEMANDS) {
            if (demand == Demand.ROOM && least != Demand.ROOM) continue; // a full queue does not end the order
            var member = onlineRing.behind(key, each -> wish.isMetBy(each, demand));
            if (member == null) member = awayRing.behind(key, each -> wish.isMetBy(each, demand));
            if (member != null || demand == least) return member;
        }
        return null;
    }

    private Member inTurn(Wish wish, Demand least) {
        var next = turn.getAndIncrement();
        var ready = ready(next, wish, online());
        if (ready != null) return ready;
        for (var demand : DEMANDS) {
            var member = oneOnline(next, wish, demand);
            if (member == null) member = oneAway(next, wish, demand);
            if (member != null || demand == least) return member;
        }
        return null;
    }

    private int online() {
        return connected.count() + elsewhere.count();
    }

    /** Those here come first in the row. */
    private Member onlineAt(int place) {
        var here = connected.count();
        return place < here ? connected.at(place) : elsewhere.at(place - here);
    }

    private Member oneOnline(int next, Wish wish, Demand demand) {
        var there = online();
        var most = Math.min(there, LOOKED_AT);
        for (int i = 0; i < most; i++) {
            var member = onlineAt(Math.floorMod(next + i, there));
            if (wish.isMetBy(member, demand)) return member;
        }
        return null;
    }

    private Member oneAway(int next, Wish wish, Demand demand) {
        var there = away.count();
        var most = Math.min(there, LOOKED_AT);
        for (int i = 0; i < most; i++) {
            var member = away.at(Math.floorMod(next + i, there));
            if (wish.isMetBy(member, demand)) return member;
        }
        return null;
    }

    /** The one whose turn it is of the first of those online that can take a message now; null if none can. */
    private Member ready(int next, Wish wish, int count) {
        return count <= ASKED ? amongFew(count, next, wish) : amongMany(count, next, wish);
    }

    /** Null if none is ready, or if they have changed meanwhile. */
    private Member amongFew(int count, int next, Wish wish) {
        var ready = 0;
        for (int i = 0; i < count; i++) if (wish.isReady(onlineAt(i))) ready++;
        if (ready == 0) return null;
        var nth = Math.floorMod(next, ready);
        for (int i = 0; i < count; i++) {
            var member = onlineAt(i);
            if (wish.isReady(member) && nth-- == 0) return member;
        }
        return null;
    }

    private Member amongMany(int count, int next, Wish wish) {
        for (int i = 0; i < ASKED; i++) {
            var member = onlineAt(Math.floorMod(next + i, count));
            if (wish.isReady(member)) return member;
        }
        return null;
    }

    /** A member whose client is connected here and can take a message now; null if none can. */
    LiveSubscription readyHere() {
        var member = ready(turn.getAndIncrement(), new Wish(QoS.EXACTLY_ONCE, null, false), connected.count());
        return member instanceof LiveSubscription here ? here : null; // others may have moved up in the row
    }

    boolean hasAway() {
        return away.count() > 0;
    }

    /** The members that are away, for which PostgreSQL keeps messages. */
    Stream<Away> awaySessions() {
        return IntStream.range(0, away.count())
                .mapToObj(away::at)
                .filter(member -> member != null && member.isAble(QoS.EXACTLY_ONCE))
                .map(member -> new Away(member.subscriber().sessionId(), filter));
    }
}

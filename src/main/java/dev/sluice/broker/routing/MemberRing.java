package dev.sluice.broker.routing;

import java.util.Map;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Predicate;

/**
 * Members of a Shared Subscription on a ring, at points that follow from their client ids: what has a key belongs to the member at the next
 * point. So all gateways agree, without a word, and a member that comes or goes changes only what belongs to it. Any thread may look, the
 * router changes it under its lock.
 */
final class MemberRing {
    /** Of each member: the more, the more equal their shares. */
    private static final int POINTS = 64;
    /** So many points are looked at, at most, for one whose member will do. */
    private static final int LOOKED_AT = 1024;

    private final ConcurrentNavigableMap<Point, Member> points = new ConcurrentSkipListMap<>();

    private record Point(long place, int gatewayNumber) implements Comparable<Point> {
        @Override
        public int compareTo(Point other) {
            var order = Long.compare(place, other.place);
            return order != 0 ? order : Integer.compare(gatewayNumber, other.gatewayNumber);
        }

        static Point of(Member member, int number) {
            return new Point(mix(key(member.clientId()) + number), member.gatewayNumber());
        }
    }

    void put(Member member) {
        for (int i = 0; i < POINTS; i++) points.put(Point.of(member, i), member);
    }

    /** Nothing happens if it is not there. */
    void remove(Member member) {
        for (int i = 0; i < POINTS; i++) points.remove(Point.of(member, i));
    }

    /** The next member that will do; null if there is none, or none near. */
    Member behind(long key, Predicate<Member> demand) {
        var from = new Point(mix(key), Integer.MIN_VALUE);
        var member = first(points.tailMap(from), demand);
        return member == null ? first(points.headMap(from), demand) : member;
    }

    private static Member first(Map<Point, Member> some, Predicate<Member> demand) {
        var looked = 0;
        for (var member : some.values()) {
            if (demand.test(member)) return member;
            if (++looked == LOOKED_AT) return null;
        }
        return null;
    }

    /** The same at every gateway, and never 0. */
    static long key(String text) {
        var hash = 0xcbf29ce484222325L; // FNV-1a
        for (int i = 0; i < text.length(); i++) hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        return hash == 0 ? 1 : hash;
    }

    /** Spreads keys that are alike. */
    private static long mix(long key) {
        var mixed = (key ^ key >>> 33) * 0xff51afd7ed558ccdL;
        mixed = (mixed ^ mixed >>> 33) * 0xc4ceb9fe1a85ec53L;
        return mixed ^ mixed >>> 33;
    }
}

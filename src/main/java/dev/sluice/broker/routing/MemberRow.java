package dev.sluice.broker.routing;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;

/**
 * Members in a row, each with its place; a place that becomes free is taken by the last. Any thread may look, the router changes it under its
 * lock.
 */
final class MemberRow<M extends Member> {
    private final Function<M, Object> identity;
    private final Map<Object, Integer> places = new HashMap<>();
    private volatile AtomicReferenceArray<M> row = new AtomicReferenceArray<>(2);
    private volatile int count;

    /** @param identity what tells members apart, also when one takes another's place in the row */
    MemberRow(Function<M, Object> identity) {
        this.identity = identity;
    }

    int count() {
        return count;
    }

    void put(M member) {
        var place = places.putIfAbsent(identity.apply(member), count);
        if (place != null) {
            row.set(place, member);
            return;
        }
        if (count == row.length()) {
            var longer = new AtomicReferenceArray<M>(2 * count);
            for (int i = 0; i < count; i++) longer.set(i, row.get(i));
            row = longer;
        }
        row.set(count, member);
        count = count + 1;
    }

    /** False if it is not there. */
    boolean remove(M member) {
        var place = places.remove(identity.apply(member));
        if (place == null) return false;
        var last = row.get(count - 1);
        if (place < count - 1) {
            row.set(place, last);
            places.put(identity.apply(last), place);
        }
        count = count - 1;
        row.set(count, null);
        return true;
    }

    /** Who stands there; null if the place has just been left. */
    M at(int place) {
        var now = row;
        return place < now.length() ? now.get(place) : null;
    }
}

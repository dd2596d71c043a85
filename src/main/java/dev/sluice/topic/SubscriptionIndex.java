package dev.sluice.topic;

import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Values by Topic Filter, found by Topic Name in time that grows with the levels of the name and the matches, not with
 * the number of filters. Any thread may read and write: readers never wait, writers take turns. A reader that runs
 * beside a writer sees the change or does not, and everything else in full.
 *
 * <p>A trie of levels, in which levels that are not followed by different ones are kept together: a filter costs two places at most, however
 * many levels it has. It is walked without recursion. The share name is not part of the place: values of Shared Subscriptions must carry it.
 */
public final class SubscriptionIndex<T> {
    private final FilterNode<T> root = new FilterNode<>(null, 0, 0);
    private final ReentrantLock writing = new ReentrantLock();
    private final LongAdder size = new LongAdder();
    private final long seed = new SecureRandom().nextLong();

    /** Adds a value under a filter; one that equals it is replaced [MQTT-3.8.4-3]. True if there was none. */
    public boolean add(TopicFilter filter, T value) {
        writing.lock();
        try {
            var isNew = put(filter, value);
            if (isNew) size.increment();
            return isNew;
        } finally {
            writing.unlock();
        }
    }

    private boolean put(TopicFilter filter, T value) {
        var text = filter.toString();
        var node = root;
        for (int at = filter.start(); at <= text.length(); ) {
            var child = child(node, text, at);
            if (child == null) {
                var leaf = new FilterNode<T>(text, at, text.length());
                leaf.put(value);
                node.putChild(seed, leaf);
                return true;
            }
            var common = child.common(text, at);
            node = common == child.length() ? child : node.splitChild(seed, child, common);
            at += common + 1;
        }
        return node.put(value);
    }

    private FilterNode<T> child(FilterNode<T> node, String text, int at) {
        var children = node.children();
        return children == null ? null : children.find(seed, text, at, TopicFilter.levelEnd(text, at));
    }

    /** Removes the value that equals the given one; true if there was one. */
    public boolean remove(TopicFilter filter, T value) {
        return remove(filter.toString(), filter.start(), value);
    }

    /** @param start the first character of the levels */
    private boolean remove(String text, int start, T value) {
        writing.lock();
        try {
            FilterNode<T> above = null;
            FilterNode<T> parent = null;
            var node = root;
            for (int at = start; at <= text.length(); at += node.length() + 1) {
                var child = child(node, text, at);
                if (child == null || child.common(text, at) < child.length()) return false;
                above = parent;
                parent = node;
                node = child;
            }
            if (!node.remove(value)) return false;
            size.decrement();
            tidy(above, parent, node);
            return true;
        } finally {
            writing.unlock();
        }
    }

    /** Removes all values of which this is true, one after the other: in time that grows with the number of filters. */
    public void removeIf(Predicate<? super T> isOver) {
        record Place<T>(FilterNode<T> node, String path) {}
        record Found<T>(String path, T value) {}
        var found = new ArrayList<Found<T>>();
        var pending = new ArrayDeque<Place<T>>();
        pending.push(new Place<>(root, null));
        while (!pending.isEmpty()) {
            var place = pending.pop();
            place.node.tell(value -> {
                if (isOver.test(value)) found.add(new Found<>(place.path, value));
            });
            var children = place.node.children();
            if (children == null) continue;
            var above = place.path == null ? "" : place.path + '/';
            children.forEach(child -> pending.push(new Place<>(child, above + child.label())));
        }
        for (var each : found) remove(each.path, 0, each.value);
    }

    /** Nothing stays that keeps no filters apart. */
    private void tidy(FilterNode<T> above, FilterNode<T> parent, FilterNode<T> node) {
        if (node.hasValues()) return;
        if (node.children() != null) {
            parent.joinChild(seed, node);
        } else {
            parent.removeChild(seed, node);
            if (above != null) above.joinChild(seed, parent);
        }
    }

    /** Tells each value once for each of its filters that match, in no particular order. */
    public void forEachMatch(TopicName topicName, Consumer<? super T> tell) {
        var name = topicName.toString();
        // Names that begin with $ are hidden from a wildcard in the first level [MQTT-4.7.2-1].
        var wildcards = !name.startsWith("$");
        Pending<T> pending = null;
        var node = root;
        for (int at = 0; node != null; wildcards = true) {
            var isOver = at > name.length();
            if (isOver) node.tell(tell);
            var children = node.children();
            node = null;
            if (children != null) {
                var all = wildcards ? children.allBelow() : null;
                if (all != null) all.tell(tell); // "sport/#" matches "sport", too
                var one = wildcards && !isOver ? children.oneLevel() : null;
                var behindOne = one == null ? -1 : one.follow(name, at, tell);
                var literal = isOver ? null : children.literal(seed, name, at, TopicFilter.levelEnd(name, at));
                var behind = literal == null ? -1 : literal.follow(name, at, tell);
                if (behind >= 0 && behindOne >= 0) pending = Pending.push(pending, one, behindOne);
                node = behind >= 0 ? literal : behindOne >= 0 ? one : null;
                at = behind >= 0 ? behind : behindOne;
            }
            if (node == null && pending != null && !pending.isEmpty()) {
                node = pending.pop();
                at = pending.poppedAt();
            }
        }
    }

    /** Places that are still to be walked on from, each with the level of the name that comes next. Made only for those who need it. */
    private static final class Pending<T> {
        private FilterNode<T>[] nodes = room(8);
        private int[] ats = new int[8];
        private int count;

        @SuppressWarnings({"unchecked", "rawtypes"})
        private static <T> FilterNode<T>[] room(int size) {
            return (FilterNode<T>[]) new FilterNode[size];
        }

        static <T> Pending<T> push(Pending<T> known, FilterNode<T> node, int at) {
            var pending = known == null ? new Pending<T>() : known;
            if (pending.count == pending.ats.length) {
                pending.nodes = Arrays.copyOf(pending.nodes, 2 * pending.count);
                pending.ats = Arrays.copyOf(pending.ats, 2 * pending.count);
            }
            pending.nodes[pending.count] = node;
            pending.ats[pending.count++] = at;
            return pending;
        }

        boolean isEmpty() {
            return count == 0;
        }

        FilterNode<T> pop() {
            return nodes[--count];
        }

        int poppedAt() {
            return ats[count];
        }
    }

    /** The number of values, counting one under two filters twice. */
    public long size() {
        return size.sum();
    }

    /** Returns whether nothing is kept, not even a level without a value. */
    public boolean isEmpty() {
        return root.children() == null;
    }
}

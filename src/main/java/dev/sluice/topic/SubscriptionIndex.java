package dev.sluice.topic;

import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Values by Topic Filter, found by Topic Name in time that grows with the levels of the name and the matches, not with
 * the number of filters. Any thread may read and write: readers never wait, writers take turns. A reader that runs
 * beside a writer sees the change or does not, and everything else in full.
 *
 * <p>A trie by level. It is walked level by level with a list of nodes instead of recursion, so that a name of 65,535
 * empty levels costs no stack. The share name is not part of the place: values of Shared Subscriptions must carry it.
 */
public final class SubscriptionIndex<T> {
    private final Node<T> root = new Node<>();
    private final ReentrantLock writing = new ReentrantLock();
    private final LongAdder size = new LongAdder();

    /** One level of some filters. Maps grow from nothing: most of 100,000s of nodes hold one entry or none. */
    private static final class Node<T> {
        private volatile ConcurrentHashMap<String, Node<T>> children;
        /** Equal value to value, so that a value can be replaced by an equal one with other options. */
        private volatile ConcurrentHashMap<T, T> values;

        Node<T> child(String level) {
            var known = children;
            return known == null ? null : known.get(level);
        }

        boolean isEmpty() {
            return (children == null || children.isEmpty()) && (values == null || values.isEmpty());
        }
    }

    /** Adds a value under a filter; one that equals it is replaced [MQTT-3.8.4-3]. True if there was none. */
    public boolean add(TopicFilter filter, T value) {
        writing.lock();
        try {
            var node = root;
            for (var level : filter.levels()) {
                if (node.children == null) node.children = new ConcurrentHashMap<>(1);
                node = node.children.computeIfAbsent(level, _ -> new Node<>());
            }
            if (node.values == null) node.values = new ConcurrentHashMap<>(1);
            var isNew = node.values.put(value, value) == null; // in one step: no message may miss both
            if (isNew) size.increment();
            return isNew;
        } finally {
            writing.unlock();
        }
    }

    /** Removes the value that equals the given one; true if there was one. */
    public boolean remove(TopicFilter filter, T value) {
        writing.lock();
        try {
            var levels = filter.levels();
            var path = new ArrayList<Node<T>>();
            var node = root;
            for (var level : levels) {
                path.add(node);
                node = node.child(level);
                if (node == null) return false;
            }
            if (node.values == null || node.values.remove(value) == null) return false;
            size.decrement();
            for (var i = levels.size() - 1; i >= 0 && node.isEmpty(); i--) {
                node = path.get(i);
                node.children.remove(levels.get(i));
            }
            return true;
        } finally {
            writing.unlock();
        }
    }

    /** Tells each value once for each of its filters that match, in no particular order. */
    public void forEachMatch(TopicName topicName, Consumer<? super T> tell) {
        var name = topicName.toString();
        var here = new ArrayList<Node<T>>();
        here.add(root);
        // Names that begin with $ are hidden from a wildcard in the first level [MQTT-4.7.2-1].
        var wildcards = !name.startsWith("$");
        for (var start = 0; start <= name.length() && !here.isEmpty(); wildcards = true) {
            var slash = name.indexOf('/', start);
            var end = slash < 0 ? name.length() : slash;
            here = below(here, name.substring(start, end), wildcards, tell);
            start = end + 1;
        }
        for (var node : here) {
            tellAll(node, tell);
            tellAll(node.child(TopicFilter.ALL_BELOW), tell); // "sport/#" matches "sport", too
        }
    }

    private ArrayList<Node<T>> below(
            ArrayList<Node<T>> nodes, String level, boolean wildcards, Consumer<? super T> tell) {
        var next = new ArrayList<Node<T>>();
        for (var node : nodes) {
            var literal = isWildcard(level) ? null : node.child(level);
            if (literal != null) next.add(literal);
            if (!wildcards) continue;
            var oneLevel = node.child(TopicFilter.ONE_LEVEL);
            if (oneLevel != null) next.add(oneLevel);
            tellAll(node.child(TopicFilter.ALL_BELOW), tell);
        }
        return next;
    }

    /** A name with a wildcard is refused before it comes here; were it not, it would meet each wildcard twice. */
    private static boolean isWildcard(String level) {
        return level.equals(TopicFilter.ONE_LEVEL) || level.equals(TopicFilter.ALL_BELOW);
    }

    private static <T> void tellAll(Node<T> node, Consumer<? super T> tell) {
        if (node == null) return;
        Map<T, T> values = node.values;
        if (values != null) values.values().forEach(tell);
    }

    /** The number of values, counting one under two filters twice. */
    public long size() {
        return size.sum();
    }

    /** Returns whether nothing is kept, not even a level without a value. */
    public boolean isEmpty() {
        return root.isEmpty();
    }
}

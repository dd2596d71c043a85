package dev.sluice.topic;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * Owns a set of Topic Names in the order of their bytes, and finds those that a Topic Filter matches, some at a time. Any thread may
 * read and write; nobody waits. A reader that runs beside a writer sees the change or does not.
 *
 * <p>A name costs its bytes and about 60 more.
 */
public final class NameIndex {
    private static final Boolean PRESENT = Boolean.TRUE;

    private final ConcurrentSkipListMap<byte[], Boolean> names = new ConcurrentSkipListMap<>(Arrays::compareUnsigned);
    /** Asking the map itself would count them. */
    private final LongAdder size = new LongAdder();
    /** Of all names. */
    private final LongAdder bytes = new LongAdder();

    /** Names that were found, in their order, and where the search goes on. */
    public record Found(List<TopicName> names, Place next) {
        /** Returns whether no name follows. */
        public boolean isEnd() {
            return next == null;
        }
    }

    /** A place between two names, from which a search goes on. Immutable. */
    public static final class Place {
        /** Before all names. */
        public static final Place START = new Place(new byte[0]);

        /** What follows is not below this. */
        private final byte[] from;

        private Place(byte[] from) {
            this.from = from;
        }

        /** Returns whether the name comes after it. */
        public boolean precedes(TopicName name) {
            return Arrays.compareUnsigned(from, name.utf8()) <= 0;
        }

        /** The place behind a name. */
        public static Place behind(TopicName name) {
            return new Place(Arrays.copyOf(name.utf8(), name.utf8().length + 1));
        }
    }

    /** Adds a name; true if it was not there. */
    public boolean add(TopicName name) {
        var isNew = names.putIfAbsent(name.utf8(), PRESENT) == null;
        if (isNew) {
            size.increment();
            bytes.add(name.utf8().length);
        }
        return isNew;
    }

    /** Removes a name; true if it was there. */
    public boolean remove(TopicName name) {
        var wasThere = names.remove(name.utf8()) != null;
        if (wasThere) {
            size.decrement();
            bytes.add(-name.utf8().length);
        }
        return wasThere;
    }

    public boolean contains(TopicName name) {
        return names.containsKey(name.utf8());
    }

    public long size() {
        return size.sum();
    }

    /** Returns the bytes of all names, in UTF-8. */
    public long bytes() {
        return bytes.sum();
    }

    /**
     * The next names, whatever they are.
     *
     * @param after where to begin
     * @param most names to find
     * @param mostBytes of these names, but at least one name
     */
    public Found next(Place after, int most, long mostBytes) {
        var found = new ArrayList<TopicName>();
        var left = mostBytes;
        for (var entries = from(after.from); entries.hasNext(); ) {
            var name = entries.next().getKey();
            left -= name.length;
            if (!found.isEmpty() && (left < 0 || found.size() == most)) return new Found(found, new Place(name));
            found.add(TopicName.ofUtf8(name));
        }
        return new Found(found, null);
    }

    /**
     * The next names that a filter matches, none for a Shared Subscription. Steps over what cannot match: a search by {@code a/+/b} costs a
     * few steps for each level below {@code a}, not for each name.
     *
     * @param after where to begin
     * @param most names to find
     * @param steps names to look at; with none of them left, what was found so far is returned, which may be nothing
     */
    public Found find(TopicFilter filter, Place after, int most, int steps) {
        if (filter.shareName() != null) return new Found(List.of(), null);
        var match = new NameMatch(filter);
        var found = new ArrayList<TopicName>();
        var from = Arrays.compareUnsigned(after.from, match.first()) < 0 ? match.first() : after.from;
        var entries = from(from);
        for (int i = 0; i < steps; i++) {
            if (!entries.hasNext()) return new Found(found, null);
            var name = entries.next().getKey();
            // Names that are passed over one by one cost less than a search for the next place, which is worth it for
            // many.
            if (Arrays.compareUnsigned(name, from) < 0) {
                if (i % SEARCH_AFTER == SEARCH_AFTER - 1) entries = from(from);
                continue;
            }
            var next = match.next(name);
            if (next == null) {
                found.add(TopicName.ofUtf8(name));
                from = Arrays.copyOf(name, name.length + 1);
                if (found.size() == most) return new Found(found, new Place(from));
            } else if (next.length == 0) {
                return new Found(found, null);
            } else {
                from = next;
            }
        }
        return new Found(found, new Place(from));
    }

    private static final int SEARCH_AFTER = 8;

    private Iterator<Map.Entry<byte[], Boolean>> from(byte[] from) {
        return names.tailMap(from, true).entrySet().iterator();
    }
}

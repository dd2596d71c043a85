package dev.sluice.topic;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Consumer;

/**
 * The places that follow one place of the {@link SubscriptionIndex}, found by their first level: a hash table without an object for each
 * entry. Any thread reads; writers hold the index's lock.
 */
final class FilterChildren<T> {
    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Object[].class);
    /** The place of one that was removed; others may have passed it. */
    private static final Object GONE = "gone";

    private static final int SMALLEST = 2;

    private volatile FilterNode<T> oneLevel;
    private volatile FilterNode<T> allBelow;
    /** Those that begin with a level by name; a power of two, at least a quarter of it null. Null for none. */
    private volatile Object[] table;
    /** Slots that are not null. */
    private int used;

    private int literals;

    /** The one that begins with +, or null. */
    FilterNode<T> oneLevel() {
        return oneLevel;
    }

    /** The one of #, or null. */
    FilterNode<T> allBelow() {
        return allBelow;
    }

    int size() {
        return literals + (oneLevel == null ? 0 : 1) + (allBelow == null ? 0 : 1);
    }

    /** The one that begins with this level of a filter, or null. */
    FilterNode<T> find(long seed, String text, int from, int to) {
        if (to - from == 1 && text.charAt(from) == TopicFilter.ONE_LEVEL) return oneLevel;
        if (to - from == 1 && text.charAt(from) == TopicFilter.ALL_BELOW) return allBelow;
        return literal(seed, text, from, to);
    }

    /** The one that begins with this level of a name, or null. */
    FilterNode<T> literal(long seed, String text, int from, int to) {
        var slots = table;
        if (slots == null) return null;
        var mask = slots.length - 1;
        for (int i = hash(seed, text, from, to) & mask; ; i = i + 1 & mask) {
            var slot = SLOT.getAcquire(slots, i);
            if (slot == null) return null;
            if (slot == GONE) continue;
            FilterNode<T> node = node(slot);
            if (node.startsWith(text, from, to)) return node;
        }
    }

    @SuppressWarnings("unchecked")
    private static <T> FilterNode<T> node(Object slot) {
        return (FilterNode<T>) slot;
    }

    /** Depends on a secret, so that nobody can make up levels that meet in one slot. */
    static int hash(long seed, String text, int from, int to) {
        var hash = seed;
        for (int i = from; i < to; i++) {
            hash = (hash ^ text.charAt(i)) * (seed | 1);
            hash ^= hash >>> 32;
        }
        return (int) (hash ^ hash >>> 15);
    }

    void put(long seed, FilterNode<T> node) {
        if (node.begins(TopicFilter.ONE_LEVEL)) {
            oneLevel = node;
        } else if (node.begins(TopicFilter.ALL_BELOW)) {
            allBelow = node;
        } else {
            if (table == null) table = new Object[SMALLEST];
            if ((used + 1) * 4 > table.length * 3) resize(seed);
            var slot = slot(seed, node);
            var isNew = table[slot] == null;
            SLOT.setRelease(table, slot, (Object) node);
            if (!isNew) return;
            used++;
            literals++;
        }
    }

    void remove(long seed, FilterNode<T> node) {
        if (node == oneLevel) {
            oneLevel = null;
        } else if (node == allBelow) {
            allBelow = null;
        } else {
            SLOT.setRelease(table, slot(seed, node), GONE);
            literals--;
            if (literals * 8 < table.length) resize(seed);
        }
    }

    /** The slot of the one with the same first level, else the free one for it. */
    private int slot(long seed, FilterNode<T> node) {
        var slots = table;
        var mask = slots.length - 1;
        var i = node.hash(seed) & mask;
        while (slots[i] != null
                && (slots[i] == GONE || !FilterChildren.<T>node(slots[i]).beginsAs(node))) i = i + 1 & mask;
        return i;
    }

    /** Makes a table without those that are gone, with as much room again. Who reads the old one finds all that was there. */
    private void resize(long seed) {
        var larger = new Object[Integer.highestOneBit(2 * literals + 1) * 2];
        var mask = larger.length - 1;
        for (var slot : table) {
            if (slot == null || slot == GONE) continue;
            var i = node(slot).hash(seed) & mask;
            while (larger[i] != null) i = i + 1 & mask;
            larger[i] = slot;
        }
        used = literals;
        table = larger;
    }

    void forEach(Consumer<FilterNode<T>> tell) {
        var one = oneLevel;
        if (one != null) tell.accept(one);
        var all = allBelow;
        if (all != null) tell.accept(all);
        var slots = table;
        if (slots == null) return;
        for (int i = 0; i < slots.length; i++) {
            var slot = SLOT.getAcquire(slots, i);
            if (slot != null && slot != GONE) tell.accept(node(slot));
        }
    }

    /** The only one there is. */
    FilterNode<T> only() {
        if (oneLevel != null) return oneLevel;
        if (allBelow != null) return allBelow;
        for (var slot : table) if (slot != null && slot != GONE) return node(slot);
        throw new IllegalStateException("there is none");
    }
}

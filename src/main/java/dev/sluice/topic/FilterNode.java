package dev.sluice.topic;

import java.util.function.Consumer;

/**
 * A place in the {@link SubscriptionIndex}: a run of levels that filters have in common there, the values of the filter that ends with it,
 * and the places that follow. Any thread reads; writers hold the index's lock.
 *
 * <p>There is one for each filter, and one more for each two that part: so it is small, and most have one value and no children.
 */
final class FilterNode<T> {
    /** A filter that goes through this place. Its levels from here on are the label: one or more; null at the root. */
    private final String text;

    private final int from;
    /** The slash behind the label, or the end of the text. */
    private final int to;
    /** Null, one value, or {@link FilterValues}. */
    private volatile Object values;
    /** Null for none. */
    private volatile FilterChildren<T> children;

    FilterNode(String text, int from, int to) {
        this.text = text;
        this.from = from;
        this.to = to;
    }

    /** This place under another label. Writers go on there; who reads this one meanwhile still finds all that was there. */
    private FilterNode<T> relabelled(int from, int to) {
        var copy = new FilterNode<T>(text, from, to);
        copy.values = values;
        copy.children = children;
        return copy;
    }

    @SuppressWarnings("unchecked")
    private static <T> FilterValues<T> many(Object values) {
        return values instanceof FilterValues<?> many ? (FilterValues<T>) many : null;
    }

    @SuppressWarnings("unchecked")
    private static <T> T one(Object value) {
        return (T) value;
    }

    String label() {
        return text.substring(from, to);
    }

    /** Of the label. */
    int length() {
        return to - from;
    }

    /** Whether the label begins with this wildcard. */
    boolean begins(char wildcard) {
        return from < to && text.charAt(from) == wildcard;
    }

    /** Of the first level of the label. */
    int hash(long seed) {
        return FilterChildren.hash(seed, text, from, TopicFilter.levelEnd(text, from));
    }

    /** Whether the first level is the same. */
    boolean beginsAs(FilterNode<T> other) {
        return startsWith(other.text, other.from, TopicFilter.levelEnd(other.text, other.from));
    }

    FilterChildren<T> children() {
        return children;
    }

    boolean hasValues() {
        return values != null;
    }

    /** Adds a value, or replaces the one that equals it, in one step: no reader misses both. True if there was none. */
    boolean put(T value) {
        var known = values;
        var many = FilterNode.<T>many(known);
        if (many != null) return many.put(value);
        if (known == null || known.equals(value)) {
            values = value;
            return known == null;
        }
        many = new FilterValues<>();
        many.put(one(known));
        many.put(value);
        values = many;
        return true;
    }

    /** Removes the value that equals the given one; true if there was one. */
    boolean remove(T value) {
        var known = values;
        var many = FilterNode.<T>many(known);
        if (many != null) {
            if (!many.remove(value)) return false;
            if (many.size() == 1) values = many.only();
            return true;
        }
        if (known == null || !known.equals(value)) return false;
        values = null;
        return true;
    }

    void tell(Consumer<? super T> tell) {
        var known = values;
        if (known == null) return;
        var many = FilterNode.<T>many(known);
        if (many == null) tell.accept(one(known));
        else many.tell(tell);
    }

    /** Adds a child, or replaces the one that has the same first level. */
    void putChild(long seed, FilterNode<T> child) {
        if (children == null) {
            var first = new FilterChildren<T>();
            first.put(seed, child);
            children = first;
        } else {
            children.put(seed, child);
        }
    }

    void removeChild(long seed, FilterNode<T> child) {
        children.remove(seed, child);
        if (children.size() == 0) children = null;
    }

    /** Cuts this child in two behind that many characters of its label; returns the upper part. */
    FilterNode<T> splitChild(long seed, FilterNode<T> child, int length) {
        var upper = new FilterNode<T>(child.text, child.from, child.from + length);
        upper.putChild(seed, child.relabelled(child.from + length + 1, child.to));
        putChild(seed, upper);
        return upper;
    }

    /** Makes one of a child without values and its only child; leaves any other as it is. */
    void joinChild(long seed, FilterNode<T> child) {
        if (child.values != null || child.children == null || child.children.size() != 1) return;
        var only = child.children.only();
        // The filter of a place goes through those above it.
        putChild(seed, only.relabelled(only.from - 1 - child.length(), only.to));
    }

    /** Whether its first level is the level of this text that is there. */
    boolean startsWith(String other, int start, int end) {
        var length = end - start;
        return length() >= length
                && (length() == length || text.charAt(from + length) == '/')
                && text.regionMatches(from, other, start, length);
    }

    /** How many characters of the label, in whole levels, are what this text goes on with; the first level is known to be. */
    int common(String other, int at) {
        var common = 0;
        for (int here = from; here <= to && at <= other.length(); here = from + common + 1) {
            var end = TopicFilter.levelEnd(text, here);
            var otherEnd = TopicFilter.levelEnd(other, at);
            if (end - here != otherEnd - at || !text.regionMatches(here, other, at, end - here)) break;
            common = end - from;
            at = otherEnd + 1;
        }
        return common;
    }

    /**
     * Matches the label with the levels of a name from there; tells the values of a filter whose # takes them all.
     *
     * @return where the next level of the name begins, one past its end if none is left; -1 if there is nothing to follow
     */
    int follow(String name, int at, Consumer<? super T> tell) {
        for (int here = from; here <= to; ) {
            var first = here < to ? text.charAt(here) : '/';
            if (first == TopicFilter.ALL_BELOW) {
                tell(tell); // also the level above it
                return -1;
            }
            if (at > name.length()) return -1;
            var end = TopicFilter.levelEnd(text, here);
            var nameEnd = TopicFilter.levelEnd(name, at);
            if (first != TopicFilter.ONE_LEVEL
                    && (end - here != nameEnd - at || !text.regionMatches(here, name, at, end - here))) return -1;
            here = end + 1;
            at = nameEnd + 1;
        }
        return at;
    }
}

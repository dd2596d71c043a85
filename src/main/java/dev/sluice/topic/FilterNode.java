package dev.sluice.topic;

import java.util.function.Consumer;

/**
 * A place in the {@link SubscriptionIndex}: a run of levels that filters have in common there, the values of the filter that ends with it,
 * and the places that follow. Any thread reads; writers hold the index's lock.
 *
 * <p>There is one for each filter, and one more for each two that part: so it is small, and most have one value and no children.
 */
final class FilterNode<T> {
    /** One level or more, with slashes between them; null at the root. */
    private final String label;
    /** Null, one value, or {@link FilterValues}. */
    private volatile Object values;
    /** Null for none. */
    private volatile FilterChildren<T> children;

    FilterNode(String label) {
        this.label = label;
    }

    /** This place under another label. Writers go on there; who reads this one meanwhile still finds all that was there. */
    private FilterNode<T> relabelled(String other) {
        var copy = new FilterNode<T>(other);
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
        return label;
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
        var upper = new FilterNode<T>(child.label.substring(0, length));
        upper.putChild(seed, child.relabelled(child.label.substring(length + 1)));
        putChild(seed, upper);
        return upper;
    }

    /** Makes one of a child without values and its only child; leaves any other as it is. */
    void joinChild(long seed, FilterNode<T> child) {
        if (child.values != null || child.children == null || child.children.size() != 1) return;
        var only = child.children.only();
        putChild(seed, only.relabelled(child.label + '/' + only.label));
    }

    /** Whether its first level is the level of this text. */
    boolean startsWith(String text, int from, int to) {
        var length = to - from;
        return label.length() >= length
                && (label.length() == length || label.charAt(length) == '/')
                && label.regionMatches(0, text, from, length);
    }

    /** How many characters of the label, in whole levels, are what this text goes on with; the first level is known to be. */
    int common(String text, int at) {
        var common = 0;
        for (int from = 0; from <= label.length() && at <= text.length(); from = common + 1) {
            var end = TopicFilter.levelEnd(label, from);
            var textEnd = TopicFilter.levelEnd(text, at);
            if (end - from != textEnd - at || !label.regionMatches(from, text, at, end - from)) break;
            common = end;
            at = textEnd + 1;
        }
        return common;
    }

    /**
     * Matches the label with the levels of a name from there; tells the values of a filter whose # takes them all.
     *
     * @return where the next level of the name begins, one past its end if none is left; -1 if there is nothing to follow
     */
    int follow(String name, int at, Consumer<? super T> tell) {
        for (int from = 0; from <= label.length(); ) {
            var first = from < label.length() ? label.charAt(from) : '/';
            if (first == TopicFilter.ALL_BELOW) {
                tell(tell); // also the level above it
                return -1;
            }
            if (at > name.length()) return -1;
            var end = TopicFilter.levelEnd(label, from);
            var nameEnd = TopicFilter.levelEnd(name, at);
            if (first != TopicFilter.ONE_LEVEL
                    && (end - from != nameEnd - at || !label.regionMatches(from, name, at, end - from))) return -1;
            from = end + 1;
            at = nameEnd + 1;
        }
        return at;
    }
}

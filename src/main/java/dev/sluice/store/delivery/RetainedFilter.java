package dev.sluice.store.delivery;

import dev.sluice.topic.TopicFilter;

/**
 * What PostgreSQL can tell of a Topic Filter: a condition that every topic fulfils that matches, and hopefully few others. Immutable.
 *
 * @param from the topics are not below this in the order of their bytes
 * @param below they are below this; null for no end
 * @param pattern a regular expression that they match; null for none
 */
record RetainedFilter(String from, String below, String pattern) {
    /** Within what the index holds of a topic, whatever the characters; a longer begin narrows hardly better. */
    private static final int LONGEST_PREFIX = 200;
    /** A regular expression costs PostgreSQL memory and time to compile. */
    private static final int LONGEST_PATTERN = 200;

    private static final String SPECIAL = ".^$*?()[]{}|\\";

    static RetainedFilter of(TopicFilter filter) {
        var text = filter.toString();
        var wildcard = firstWildcard(text);
        if (wildcard < 0) return between(text, text + '\1', null);
        var rest = text.substring(wildcard);
        var pattern = rest.equals("#") || text.length() > LONGEST_PATTERN ? null : pattern(text);
        // "a/b/#" is also for "a/b", and what begins with that lies before "a/b0", since 0 follows on the slash.
        var levelEnd = wildcard - 1;
        if (levelEnd < 0) return new RetainedFilter("", null, pattern);
        var level = text.substring(0, levelEnd);
        return between(rest.equals("#") ? level : level + '/', level + '0', pattern);
    }

    private static RetainedFilter between(String from, String below, String pattern) {
        return from.length() > LONGEST_PREFIX ? cut(from, pattern) : new RetainedFilter(from, below, pattern);
    }

    private static RetainedFilter cut(String from, String pattern) {
        var slash = from.lastIndexOf('/', LONGEST_PREFIX);
        if (slash < 0) return new RetainedFilter("", null, pattern);
        return new RetainedFilter(from.substring(0, slash + 1), from.substring(0, slash) + '0', pattern);
    }

    private static int firstWildcard(String text) {
        var one = text.indexOf('+');
        var all = text.indexOf('#');
        return one < 0 || all < 0 ? Math.max(one, all) : Math.min(one, all);
    }

    private static String pattern(String filter) {
        var pattern = new StringBuilder("^");
        for (int i = 0; i < filter.length(); i++) {
            var c = filter.charAt(i);
            if (c == '+') {
                pattern.append("[^/]*");
            } else if (filter.startsWith("/#", i)) {
                pattern.append("(/.*)?");
                i++;
            } else {
                if (SPECIAL.indexOf(c) >= 0) pattern.append('\\');
                pattern.append(c);
            }
        }
        return pattern.append('$').toString();
    }
}

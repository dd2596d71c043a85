package dev.sluice.topic;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A well-formed Topic Filter, and the share name of a Shared Subscription. Immutable: any thread may use it. A level
 * between two slashes may be empty and is then a level like any other [MQTT-4.7.1-3].
 *
 * <p>There may be millions of them: it is its text, and nothing else.
 */
public final class TopicFilter {
    static final char ONE_LEVEL = '+';
    static final char ALL_BELOW = '#';
    private static final String SHARE = "$share/";
    private static final int MAX_BYTES = 65_535;
    private static final int MOST_BYTES_PER_CHARACTER = 3;

    private final String text;
    /** Where the levels begin that are compared with a name: behind the prefix of a Shared Subscription. */
    private final int start;

    private TopicFilter(String text) {
        this.text = text;
        this.start = isShared(text) ? text.indexOf('/', SHARE.length()) + 1 : 0;
    }

    /** Returns whether a filter, well-formed or not, is one of a Shared Subscription. */
    public static boolean isShared(String text) {
        return text.startsWith(SHARE);
    }

    /** @throws IllegalArgumentException with a sentence that names the mistake */
    public static TopicFilter of(String text) {
        mistake(text).ifPresent(mistake -> {
            throw new IllegalArgumentException("\"" + text + "\" " + mistake);
        });
        return new TopicFilter(text);
    }

    /** The filter of a text that is known to have no {@link #mistake}. */
    public static TopicFilter ofWellFormed(String text) {
        return new TopicFilter(text);
    }

    /** Returns the mistake in a filter, as the end of a sentence that begins with the filter; empty if there is none. */
    public static Optional<String> mistake(String text) {
        if (text.indexOf('\0') >= 0) return Optional.of("holds the null character"); // [MQTT-4.7.3-2]
        if (isTooLong(text)) return Optional.of("is longer than 65,535 bytes"); // [MQTT-4.7.3-3]
        if (!isShared(text)) return mistakeInLevels(text, 0);
        var nameEnd = text.indexOf('/', SHARE.length());
        if (nameEnd < 0) return Optional.of("has a share name but no filter after it"); // [MQTT-4.8.2-2]
        if (nameEnd == SHARE.length()) return Optional.of("has an empty share name"); // [MQTT-4.8.2-1]
        var wildcard = firstWildcard(text);
        // [MQTT-4.8.2-2]
        if (wildcard >= 0 && wildcard < nameEnd) return Optional.of("has a wildcard in its share name");
        return mistakeInLevels(text, nameEnd + 1);
    }

    private static boolean isTooLong(String text) {
        return text.length() > MAX_BYTES / MOST_BYTES_PER_CHARACTER
                && text.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES;
    }

    private static int firstWildcard(String text) {
        var one = text.indexOf(ONE_LEVEL);
        var all = text.indexOf(ALL_BELOW);
        return one < 0 || all < 0 ? Math.max(one, all) : Math.min(one, all);
    }

    private static Optional<String> mistakeInLevels(String text, int start) {
        if (start == text.length()) return Optional.of("is empty where a filter is needed"); // [MQTT-4.7.3-1]
        for (var i = start; i < text.length(); i++) {
            var c = text.charAt(i);
            if (c != ONE_LEVEL && c != ALL_BELOW) continue;
            var isAlone =
                    (i == start || text.charAt(i - 1) == '/') && (i + 1 == text.length() || text.charAt(i + 1) == '/');
            // [MQTT-4.7.1-1], [MQTT-4.7.1-2]
            if (!isAlone)
                return Optional.of("has a " + named(text, i) + " that shares its level with other characters");
            // [MQTT-4.7.1-1]
            if (c == ALL_BELOW && i + 1 < text.length()) return Optional.of("has a # that is not the last level");
        }
        return Optional.empty();
    }

    /** The wildcard to name of a level that has some among other characters. */
    private static char named(String text, int wildcard) {
        return text.substring(wildcard, levelEnd(text, wildcard)).indexOf(ALL_BELOW) < 0 ? ONE_LEVEL : ALL_BELOW;
    }

    /** The share name of a Shared Subscription, or null. */
    public String shareName() {
        return isShared() ? text.substring(SHARE.length(), start - 1) : null;
    }

    public boolean isShared() {
        return start > 0;
    }

    /** The first character of the levels that are compared with a name. */
    int start() {
        return start;
    }

    /** Its bytes in UTF-8. */
    public int bytes() {
        var bytes = text.length();
        for (int i = 0; i < text.length(); i++) {
            var c = text.charAt(i);
            if (c >= 0x800 && !Character.isSurrogate(c)) bytes += 2;
            else if (c >= 0x80) bytes++; // half of a surrogate pair has two bytes, like the characters below
        }
        return bytes;
    }

    /** The bytes of its text on the heap: one for each character, two if there are others than ASCII. */
    public int memory() {
        return bytes() == text.length() ? text.length() : 2 * text.length();
    }

    /** Returns whether it has more levels than that, without the prefix of a Shared Subscription. */
    public boolean hasMoreLevelsThan(int most) {
        var levels = 1;
        for (var slash = text.indexOf('/', start); slash >= 0; slash = text.indexOf('/', slash + 1))
            if (++levels > most) return true;
        return false;
    }

    /** Returns whether it can only match topics that clients may not publish to, as a Shared Subscription, too. */
    public boolean isServers() {
        return text.startsWith(TopicName.SERVERS, start);
    }

    public boolean matches(TopicName name) {
        return matches(name.toString());
    }

    public boolean matches(String name) {
        if (name.startsWith("$") && isWildcard(start)) return false; // [MQTT-4.7.2-1]
        var at = 0; // one past the end of the name once its last level is used up
        for (var here = start; here <= text.length(); ) {
            if (is(ALL_BELOW, here)) return true; // also the level above it
            if (at > name.length()) return false;
            var end = levelEnd(text, here);
            var nameEnd = levelEnd(name, at);
            var same = end - here == nameEnd - at && text.regionMatches(here, name, at, end - here);
            if (!same && !is(ONE_LEVEL, here)) return false;
            at = nameEnd + 1;
            here = end + 1;
        }
        return at > name.length();
    }

    /** Returns whether there is a Topic Name that both match. */
    public boolean intersects(TopicFilter other) {
        var here = start;
        var there = other.start;
        for (var first = true; here <= text.length() && there <= other.text.length(); first = false) {
            // Names that begin with $ are hidden from a wildcard in the first level [MQTT-4.7.2-1].
            if (first
                    && (isWildcard(here) && other.startsWithDollar() || other.isWildcard(there) && startsWithDollar()))
                return false;
            if (is(ALL_BELOW, here) || other.is(ALL_BELOW, there)) return true;
            var end = levelEnd(text, here);
            var otherEnd = levelEnd(other.text, there);
            var same = end - here == otherEnd - there && text.regionMatches(here, other.text, there, end - here);
            if (!same && !isWildcard(here) && !other.isWildcard(there)) return false;
            here = end + 1;
            there = otherEnd + 1;
        }
        if (here > text.length() && there > other.text.length()) return true;
        // # also matches the level above it, but no name is one empty level [MQTT-4.7.3-1].
        return here <= text.length() ? isAllBelow(here) : other.isAllBelow(there);
    }

    /** Whether a # is left of it that matches the level above. */
    private boolean isAllBelow(int at) {
        return is(ALL_BELOW, at) && at > start + 1;
    }

    private boolean startsWithDollar() {
        return text.startsWith("$", start);
    }

    /** What all names that it matches begin with, in whole levels, without the slash behind them; empty if they have no level in common. */
    public String commonBeginning() {
        var end = start;
        while (end <= text.length() && !isWildcard(end)) end = levelEnd(text, end) + 1;
        return end > text.length() ? text.substring(start) : text.substring(start, Math.max(start, end - 1));
    }

    /** Returns whether it matches one name only. */
    public boolean isExact() {
        return text.indexOf(ONE_LEVEL, start) < 0 && text.indexOf(ALL_BELOW, start) < 0;
    }

    /** Returns whether it matches all names but those that begin with $. */
    public boolean isEverything() {
        var length = text.length() - start;
        return length == 1 && is(ALL_BELOW, start) || length == 3 && is(ONE_LEVEL, start) && is(ALL_BELOW, start + 2);
    }

    /** Whether the level that begins there is that wildcard; in a well-formed filter it stands alone. */
    private boolean is(char wildcard, int at) {
        return at < text.length() && text.charAt(at) == wildcard;
    }

    private boolean isWildcard(int at) {
        return is(ONE_LEVEL, at) || is(ALL_BELOW, at);
    }

    /** The end of the level that begins there: the next slash, or the end of the text. */
    static int levelEnd(String text, int start) {
        var slash = text.indexOf('/', start);
        return slash < 0 ? text.length() : slash;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TopicFilter that && text.equals(that.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** The filter as it was written, with the prefix of a Shared Subscription. */
    @Override
    public String toString() {
        return text;
    }
}

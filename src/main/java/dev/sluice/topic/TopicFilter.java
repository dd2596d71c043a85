package dev.sluice.topic;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * A well-formed Topic Filter, and the share name of a Shared Subscription. Immutable: any thread may use it. A level
 * between two slashes may be empty and is then a level like any other [MQTT-4.7.1-3].
 */
public final class TopicFilter {
    static final String ONE_LEVEL = "+";
    static final String ALL_BELOW = "#";
    private static final String SHARE = "$share/";
    private static final int MAX_BYTES = 65_535;

    private final String text;
    private final String shareName;
    private final List<String> levels;

    private TopicFilter(String text) {
        this.text = text;
        var shared = isShared(text);
        var nameEnd = shared ? text.indexOf('/', SHARE.length()) : -1;
        this.shareName = shared ? text.substring(SHARE.length(), nameEnd) : null;
        this.levels = List.of(text.substring(nameEnd + 1).split("/", -1));
    }

    /** Whether a filter, well-formed or not, is one of a Shared Subscription. */
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

    /** What is wrong with a filter, as the end of a sentence that begins with the filter; empty if nothing is. */
    public static Optional<String> mistake(String text) {
        if (text.indexOf('\0') >= 0) return Optional.of("holds the null character"); // [MQTT-4.7.3-2]
        // [MQTT-4.7.3-3]
        if (text.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES) return Optional.of("is longer than 65,535 bytes");
        if (!isShared(text)) return mistakeInLevels(text);
        var nameEnd = text.indexOf('/', SHARE.length());
        if (nameEnd < 0) return Optional.of("has a share name but no filter after it"); // [MQTT-4.8.2-2]
        if (nameEnd == SHARE.length()) return Optional.of("has an empty share name"); // [MQTT-4.8.2-1]
        var shareName = text.substring(SHARE.length(), nameEnd);
        // [MQTT-4.8.2-2]
        if (shareName.contains(ONE_LEVEL) || shareName.contains(ALL_BELOW))
            return Optional.of("has a wildcard in its share name");
        return mistakeInLevels(text.substring(nameEnd + 1));
    }

    private static Optional<String> mistakeInLevels(String filter) {
        if (filter.isEmpty()) return Optional.of("is empty where a filter is needed"); // [MQTT-4.7.3-1]
        var levels = filter.split("/", -1);
        for (var i = 0; i < levels.length; i++) {
            var level = levels[i];
            // [MQTT-4.7.1-1]
            if (level.length() > 1 && level.contains(ALL_BELOW))
                return Optional.of("has a # that shares its level with other characters");
            // [MQTT-4.7.1-1]
            if (level.equals(ALL_BELOW) && i < levels.length - 1)
                return Optional.of("has a # that is not the last level");
            // [MQTT-4.7.1-2]
            if (level.length() > 1 && level.contains(ONE_LEVEL))
                return Optional.of("has a + that shares its level with other characters");
        }
        return Optional.empty();
    }

    /** The share name of a Shared Subscription, or null. */
    public String shareName() {
        return shareName;
    }

    /** The levels that are compared with a name: without the prefix of a Shared Subscription. */
    List<String> levels() {
        return levels;
    }

    /** Whether it can only match topics that clients may not publish to, as a Shared Subscription, too. */
    public boolean isServers() {
        var filter = shareName == null ? text : text.substring(SHARE.length() + shareName.length() + 1);
        return filter.startsWith(TopicName.SERVERS);
    }

    public boolean matches(TopicName name) {
        return matches(name.toString());
    }

    public boolean matches(String name) {
        if (name.startsWith("$") && isWildcard(levels.getFirst())) return false; // [MQTT-4.7.2-1]
        var start = 0; // one past the end of the name once its last level is used up
        for (var level : levels) {
            if (level.equals(ALL_BELOW)) return true; // also the level above it
            if (start > name.length()) return false;
            var slash = name.indexOf('/', start);
            var end = slash < 0 ? name.length() : slash;
            var same = level.length() == end - start && name.startsWith(level, start);
            if (!same && !level.equals(ONE_LEVEL)) return false;
            start = end + 1;
        }
        return start > name.length();
    }

    /** Whether there is a Topic Name that both match. */
    public boolean intersects(TopicFilter other) {
        for (var i = 0; i < levels.size() && i < other.levels.size(); i++) {
            var here = levels.get(i);
            var there = other.levels.get(i);
            // Names that begin with $ are hidden from a wildcard in the first level [MQTT-4.7.2-1].
            if (i == 0 && (isWildcard(here) && there.startsWith("$") || isWildcard(there) && here.startsWith("$")))
                return false;
            if (here.equals(ALL_BELOW) || there.equals(ALL_BELOW)) return true;
            if (!here.equals(there) && !isWildcard(here) && !isWildcard(there)) return false;
        }
        var longer = levels.size() > other.levels.size() ? levels : other.levels;
        var common = Math.min(levels.size(), other.levels.size());
        if (longer.size() == common) return true;
        // # also matches the level above it, but no name is one empty level [MQTT-4.7.3-1].
        return longer.get(common).equals(ALL_BELOW)
                && !(common == 1 && longer.getFirst().isEmpty());
    }

    /** Whether it matches all names but those that begin with $. */
    public boolean isEverything() {
        return levels.equals(List.of(ALL_BELOW)) || levels.equals(List.of(ONE_LEVEL, ALL_BELOW));
    }

    private static boolean isWildcard(String level) {
        return level.equals(ONE_LEVEL) || level.equals(ALL_BELOW);
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

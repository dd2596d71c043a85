package dev.sluice.access.rule;

import dev.sluice.topic.TopicFilter;
import java.util.Arrays;
import java.util.Optional;

/**
 * A Topic Filter taken apart, without the prefix of a Shared Subscription. Immutable.
 *
 * @param levels each text, or +; not to be changed
 * @param allBelow whether a # follows them, which also matches the level above it
 */
record FilterLevels(String[] levels, boolean allBelow) {
    static final String ONE = "+";

    static FilterLevels of(TopicFilter filter) {
        var text = filter.toString();
        if (filter.isShared())
            text = text.substring("$share/".length() + filter.shareName().length() + 1);
        var parts = text.split("/", -1);
        var allBelow = parts[parts.length - 1].equals("#");
        return new FilterLevels(allBelow ? Arrays.copyOf(parts, parts.length - 1) : parts, allBelow);
    }

    static boolean isWildcard(String level) {
        return level.equals(ONE);
    }

    int length() {
        return levels.length;
    }

    String level(int i) {
        return levels[i];
    }

    /** Whether all its names begin with $, which wildcards in the first level do not match [MQTT-4.7.2-1]. */
    boolean isHidden() {
        return levels.length > 0 && levels[0].startsWith("$");
    }

    /** Whether a name may end with its last level, above its #: there is no empty name [MQTT-4.7.3-1]. */
    boolean matchesAbove() {
        return allBelow && levels.length > 0 && !(levels.length == 1 && levels[0].isEmpty());
    }

    private boolean beginsWithWildcard() {
        return levels.length == 0 || isWildcard(levels[0]);
    }

    /** What both match, which is one filter again; empty if that is nothing. */
    Optional<FilterLevels> and(FilterLevels other) {
        if (isHidden() && other.beginsWithWildcard() || other.isHidden() && beginsWithWildcard())
            return Optional.empty();
        var shorter = length() <= other.length() ? this : other;
        var longer = shorter == this ? other : this;
        if (shorter.length() < longer.length() && !shorter.allBelow) return Optional.empty();
        var both = longer.levels.clone();
        for (int i = 0; i < shorter.length(); i++) {
            if (isWildcard(both[i])) both[i] = shorter.levels[i];
            else if (!isWildcard(shorter.levels[i]) && !both[i].equals(shorter.levels[i])) return Optional.empty();
        }
        var all = longer.allBelow && shorter.allBelow;
        var isEmptyName = both.length == 1 && both[0].isEmpty() && !all;
        return isEmptyName ? Optional.empty() : Optional.of(new FilterLevels(both, all));
    }

    /** Whether the other one matches nothing that this does not. */
    boolean contains(FilterLevels other) {
        var both = and(other);
        return both.isPresent() && both.get().equals(other);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FilterLevels that && allBelow == that.allBelow && Arrays.equals(levels, that.levels);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(levels) + Boolean.hashCode(allBelow);
    }

    @Override
    public String toString() {
        var text = String.join("/", levels);
        if (!allBelow) return text;
        return levels.length == 0 ? "#" : text + "/#";
    }
}

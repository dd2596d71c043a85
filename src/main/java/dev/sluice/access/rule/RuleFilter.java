package dev.sluice.access.rule;

import dev.sluice.topic.TopicFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The Topic Filter of a rule, in which {@code {clientId}}, {@code {username}} or {@code {claim.name}} may be a level, or a part of one.
 * Immutable.
 *
 * <p>A level holds one of them at most: of two, a client could choose where one ends and the other begins.
 */
public final class RuleFilter {
    /** So deep may a filter be; the trie of the rules is as deep, and is walked by recursion. */
    private static final int MOST_LEVELS = 128;

    private static final String PLACEHOLDERS = "{clientId}, {username} or {claim.<name>}";

    private final String text;
    private final List<Level> levels;
    private final boolean allBelow;

    /** One level, without a # at the end. */
    sealed interface Level {
        /** Text, or +. */
        record Fixed(String text) implements Level {}

        /**
         * Text that is another one for each requester.
         *
         * @param isFirst whether it is the first level, where a value must not make a topic of the server of it
         */
        record Template(String before, Placeholder placeholder, String after, boolean isFirst) implements Level {
            /** Empty if the value is not one level of its own: then the rule names nothing. */
            Optional<String> of(Requester requester) {
                return placeholder
                        .value(requester)
                        .filter(Template::isPartOfOneLevel)
                        .map(value -> before + value + after)
                        .filter(it -> !isFirst || !it.startsWith("$") || before.startsWith("$"));
            }

            private static boolean isPartOfOneLevel(String value) {
                if (value.isEmpty()) return false;
                for (int i = 0; i < value.length(); i++)
                    switch (value.charAt(i)) {
                        case '/', '+', '#', '\0' -> {
                            return false;
                        }
                        default -> {}
                    }
                return true;
            }
        }
    }

    /** Where a value comes from. */
    record Placeholder(String name) {
        private static final String CLAIM = "claim.";

        boolean isKnown() {
            return name.equals("clientId")
                    || name.equals("username")
                    || name.startsWith(CLAIM) && name.length() > CLAIM.length();
        }

        Optional<String> value(Requester requester) {
            return switch (name) {
                case "clientId" -> Optional.of(requester.clientId());
                case "username" -> Optional.of(requester.username());
                default -> Optional.ofNullable(requester.claims().get(name.substring(CLAIM.length())));
            };
        }
    }

    private RuleFilter(String text, List<Level> levels, boolean allBelow) {
        this.text = text;
        this.levels = List.copyOf(levels);
        this.allBelow = allBelow;
    }

    /** @throws IllegalArgumentException with a sentence that names the mistake, without its subject */
    public static RuleFilter of(String text) {
        if (TopicFilter.isShared(text))
            throw new IllegalArgumentException(
                    "begins with $share/: leave that and the name out, Shared Subscriptions are judged by the filter behind it");
        TopicFilter.mistake(text).ifPresent(mistake -> {
            throw new IllegalArgumentException("\"" + text + "\" " + mistake);
        });
        var parts = text.split("/", -1);
        if (parts.length > MOST_LEVELS) throw new IllegalArgumentException("has more than " + MOST_LEVELS + " levels");
        var allBelow = parts[parts.length - 1].equals("#");
        var levels = new ArrayList<Level>();
        for (int i = 0; i < parts.length - (allBelow ? 1 : 0); i++) levels.add(level(parts[i], i == 0));
        return new RuleFilter(text, levels, allBelow);
    }

    private static Level level(String part, boolean isFirst) {
        var open = part.indexOf('{');
        var close = part.indexOf('}');
        if (open < 0 && close < 0) return new Level.Fixed(part.intern());
        var placeholder = new Placeholder(open < 0 || close < open ? "" : part.substring(open + 1, close));
        if (!placeholder.isKnown())
            throw new IllegalArgumentException(
                    "has the level \"" + part + "\", in which braces may stand around " + PLACEHOLDERS + " only");
        var after = part.substring(close + 1);
        if (after.indexOf('{') >= 0 || after.indexOf('}') >= 0)
            throw new IllegalArgumentException("has the level \"" + part
                    + "\" with two placeholders, between which nobody can tell: give each a level");
        return new Level.Template(part.substring(0, open), placeholder, after, isFirst);
    }

    List<Level> levels() {
        return levels;
    }

    boolean allBelow() {
        return allBelow;
    }

    /** As it is for a requester; empty if it matches nothing. */
    Optional<FilterLevels> of(Requester requester) {
        var known = new String[levels.size()];
        for (int i = 0; i < known.length; i++)
            switch (levels.get(i)) {
                case Level.Fixed(var it) -> known[i] = it;
                case Level.Template template -> {
                    var value = template.of(requester);
                    if (value.isEmpty()) return Optional.empty();
                    known[i] = value.get();
                }
            }
        return Optional.of(new FilterLevels(known, allBelow));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RuleFilter that && text.equals(that.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** As it is written. */
    @Override
    public String toString() {
        return text;
    }
}

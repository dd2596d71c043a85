package dev.sluice.access;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Which client ids a credential or a token is good for: text in which {@code *} stands for any characters, and {@code {name}} for a value
 * that the client has proved. Immutable.
 */
public final class ClientIdPattern {
    /** The placeholder of the user name. */
    public static final String USERNAME = "username";

    private static final Pattern PART = Pattern.compile("\\*+|\\{([^{}]+)}|[^*{}]+|[{}]");

    private final List<String> parts = new ArrayList<>();

    public ClientIdPattern(String text) {
        var found = PART.matcher(text);
        while (found.find()) parts.add(found.group());
    }

    /**
     * @param known which placeholders there are
     * @throws IllegalArgumentException saying what is wrong with a text, in a sentence without its subject
     */
    public static void check(String text, Predicate<String> known) {
        if (text.isEmpty()) throw new IllegalArgumentException("is empty, so that it allows no client id");
        for (var part : new ClientIdPattern(text).parts) {
            if (part.equals("{") || part.equals("}")) throw new IllegalArgumentException("has a " + part + " alone");
            if (isPlaceholder(part) && !known.test(name(part)))
                throw new IllegalArgumentException(
                        "has " + part + ", which is no value of a client, such as {" + USERNAME + "}");
        }
    }

    private static boolean isPlaceholder(String part) {
        return part.length() > 1 && part.startsWith("{");
    }

    private static String name(String placeholder) {
        return placeholder.substring(1, placeholder.length() - 1);
    }

    /**
     * Whether a client id fits, in time that grows with both lengths only. A value that the client does not have, or that is empty, fits
     * nothing; a {@code *} in a value is only itself.
     *
     * @param values by name, null for none
     */
    public boolean matches(String clientId, Function<String, String> values) {
        var literals = new ArrayList<String>();
        var literal = new StringBuilder();
        for (var part : parts) {
            if (part.startsWith("*")) {
                literals.add(literal.toString());
                literal.setLength(0);
            } else if (isPlaceholder(part)) {
                var value = values.apply(name(part));
                if (value == null || value.isEmpty()) return false;
                literal.append(value);
            } else literal.append(part);
        }
        literals.add(literal.toString());
        return matches(clientId, literals);
    }

    /** Each text at its first place behind the one before, the last at the end. */
    private static boolean matches(String text, List<String> literals) {
        if (literals.size() == 1) return text.equals(literals.getFirst());
        if (!text.startsWith(literals.getFirst())) return false;
        var at = literals.getFirst().length();
        for (var literal : literals.subList(1, literals.size() - 1)) {
            var found = text.indexOf(literal, at);
            if (found < 0) return false;
            at = found + literal.length();
        }
        return text.length() - at >= literals.getLast().length() && text.endsWith(literals.getLast());
    }
}

package dev.sluice.access.token;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Which client ids a token is good for: text in which {@code *} stands for any characters and {@code {name}} for a value that the token
 * has. Immutable.
 */
final class ClientIdPattern {
    private static final Pattern PART = Pattern.compile("\\*|\\{([^{}]+)}|[^*{}]+|[{}]");

    private final List<String> parts = new ArrayList<>();

    /** @throws IllegalArgumentException for a brace that stands alone, with a sentence without its subject */
    ClientIdPattern(String text) {
        var found = PART.matcher(text);
        while (found.find()) {
            var part = found.group();
            if (part.equals("{") || part.equals("}")) throw new IllegalArgumentException("has a " + part + " alone");
            parts.add(part);
        }
    }

    /**
     * Whether a client id fits. A value that the token does not have, or that is empty, fits nothing; a {@code *} in a value is only itself.
     *
     * @param values by name, null for none
     */
    boolean matches(String clientId, Function<String, String> values) {
        var literals = new ArrayList<String>();
        var literal = new StringBuilder();
        for (var part : parts) {
            if (part.equals("*")) {
                literals.add(literal.toString());
                literal.setLength(0);
            } else if (part.startsWith("{")) {
                var value = values.apply(part.substring(1, part.length() - 1));
                if (value == null || value.isEmpty()) return false;
                literal.append(value);
            } else literal.append(part);
        }
        literals.add(literal.toString());
        return matches(clientId, literals);
    }

    /** In linear time: each text at its first place behind the one before, the last at the end. */
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

package dev.sluice.access.credential;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Which client ids may use a credential: {@code *} stands for any characters, <code>{username}</code> for the user name, whatever characters
 * that has. Stateless.
 */
public final class ClientIdPattern {
    private static final String USERNAME = "{username}";
    private static final Pattern STARS = Pattern.compile("\\*+");

    private ClientIdPattern() {}

    /**
     * In time that grows with both lengths only.
     *
     * @param pattern null for all
     */
    public static boolean allows(String pattern, String username, String clientId) {
        if (pattern == null) return true;
        var parts = parts(pattern, username);
        if (parts.size() == 1) return clientId.equals(parts.getFirst());
        var first = parts.getFirst();
        var last = parts.getLast();
        if (!clientId.startsWith(first)
                || !clientId.endsWith(last)
                || clientId.length() < first.length() + last.length()) return false;
        var at = first.length();
        var end = clientId.length() - last.length();
        for (var part : parts.subList(1, parts.size() - 1)) {
            var found = clientId.indexOf(part, at);
            if (found < 0 || found + part.length() > end) return false;
            at = found + part.length();
        }
        return true;
    }

    /** What stands between the stars. */
    private static List<String> parts(String pattern, String username) {
        var parts = new ArrayList<String>();
        for (var part : STARS.split(pattern, -1)) parts.add(part.replace(USERNAME, username));
        return parts;
    }

    /** @throws IllegalArgumentException saying what is wrong with a pattern */
    public static void check(String pattern) {
        if (pattern.isEmpty()) throw new IllegalArgumentException("is empty, so that it allows no client id");
        var rest = pattern.replace(USERNAME, "");
        if (rest.indexOf('{') >= 0 || rest.indexOf('}') >= 0)
            throw new IllegalArgumentException("has a brace that is none of {username}");
    }
}

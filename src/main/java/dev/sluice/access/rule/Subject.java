package dev.sluice.access.rule;

/**
 * Whom a rule is about. Immutable.
 *
 * @param name of the user, the group, the client or the claim; empty for {@link Kind#ALL} and {@link Kind#ANONYMOUS}
 * @param value of the claim, else empty
 */
public record Subject(Kind kind, String name, String value) {
    /** Everybody, the anonymous included. */
    public static final Subject ALL = new Subject(Kind.ALL, "", "");
    /** Everybody who has no user name. */
    public static final Subject ANONYMOUS = new Subject(Kind.ANONYMOUS, "", "");

    private static final String FORMS =
            "all, anonymous, user:<name>, group:<name>, client:<client id> or claim:<name>=<value>";

    /** The kinds of subjects. */
    public enum Kind {
        ALL,
        ANONYMOUS,
        USER,
        GROUP,
        CLIENT,
        CLAIM
    }

    public static Subject user(String name) {
        return new Subject(Kind.USER, name, "");
    }

    public static Subject group(String name) {
        return new Subject(Kind.GROUP, name, "");
    }

    public static Subject client(String clientId) {
        return new Subject(Kind.CLIENT, clientId, "");
    }

    public static Subject claim(String name, String value) {
        return new Subject(Kind.CLAIM, name, value);
    }

    /** @throws IllegalArgumentException with a sentence that names the mistake, without its subject */
    static Subject of(String text) {
        if (text.equals("all")) return ALL;
        if (text.equals("anonymous")) return ANONYMOUS;
        var colon = text.indexOf(':');
        var name = text.substring(colon + 1);
        if (colon > 0 && !name.isEmpty())
            switch (text.substring(0, colon)) {
                case "user" -> {
                    return user(name);
                }
                case "group" -> {
                    return group(name);
                }
                case "client" -> {
                    return client(name);
                }
                case "claim" -> {
                    var equals = name.indexOf('=');
                    if (equals > 0) return claim(name.substring(0, equals), name.substring(equals + 1));
                }
                default -> {}
            }
        throw new IllegalArgumentException("is \"" + text + "\", but may be " + FORMS);
    }

    /** As it is written. */
    @Override
    public String toString() {
        return switch (kind) {
            case ALL -> "all";
            case ANONYMOUS -> "anonymous";
            case USER -> "user:" + name;
            case GROUP -> "group:" + name;
            case CLIENT -> "client:" + name;
            case CLAIM -> "claim:" + name + "=" + value;
        };
    }
}

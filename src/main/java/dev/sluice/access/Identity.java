package dev.sluice.access;

import java.time.Instant;
import java.util.Map;
import java.util.Set;

/**
 * Who a client has proved to be. Immutable.
 *
 * @param name the authenticated user name; empty for anonymous
 * @param until when the connection has to end or to prove itself again; null for never
 */
public record Identity(String name, Set<String> groups, Map<String, String> claims, Method method, Instant until) {
    /** That of every client which has proved nothing. */
    public static final Identity ANONYMOUS = new Identity("", Set.of(), Map.of(), Method.ANONYMOUS, null);

    public Identity {
        if (name.isEmpty() != (method == Method.ANONYMOUS))
            throw new IllegalArgumentException("anonymous, and nobody else, has no name");
        groups = Set.copyOf(groups);
        claims = Map.copyOf(claims);
    }

    /** The authenticated user name; null for anonymous. */
    public String username() {
        return isAnonymous() ? null : name;
    }

    public boolean isAnonymous() {
        return method == Method.ANONYMOUS;
    }
}

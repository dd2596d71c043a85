package dev.sluice.access;

import dev.sluice.access.rule.Requester;
import dev.sluice.access.rule.Rule;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who a client has proved to be. Immutable.
 *
 * @param name the authenticated user name; empty for anonymous
 * @param until when the connection has to end or to prove itself again; null for never
 * @param rights what its token brings, besides the rules
 * @param limits what its credential or token says of what it may use, as {@link dev.sluice.access.limit.Applicant} has it
 */
public record Identity(
        String name,
        Set<String> groups,
        Map<String, String> claims,
        Method method,
        Instant until,
        List<Rule> rights,
        Map<String, Long> limits) {
    /** That of every client which has proved nothing. */
    public static final Identity ANONYMOUS = new Identity("", Set.of(), Map.of(), Method.ANONYMOUS, null);

    public Identity {
        if (name.isEmpty() != (method == Method.ANONYMOUS))
            throw new IllegalArgumentException("anonymous, and nobody else, has no name");
        groups = Set.copyOf(groups);
        claims = Map.copyOf(claims);
        rights = List.copyOf(rights);
        limits = Map.copyOf(limits);
    }

    public Identity(String name, Set<String> groups, Map<String, String> claims, Method method, Instant until) {
        this(name, groups, claims, method, until, List.of(), Map.of());
    }

    /** Who asks the rules, as this client. */
    public Requester as(String clientId) {
        return new Requester(clientId, name, groups, claims, rights);
    }

    /** The authenticated user name; null for anonymous. */
    public String username() {
        return isAnonymous() ? null : name;
    }

    public boolean isAnonymous() {
        return method == Method.ANONYMOUS;
    }
}

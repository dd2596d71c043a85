package dev.sluice.access.rule;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who asks. Immutable.
 *
 * @param username the authenticated one; empty for the anonymous
 * @param rights what the requester's token brings: rules whose subject is the requester, whatever they say
 */
public record Requester(
        String clientId, String username, Set<String> groups, Map<String, String> claims, List<Rule> rights) {
    public boolean isAnonymous() {
        return username.isEmpty();
    }
}

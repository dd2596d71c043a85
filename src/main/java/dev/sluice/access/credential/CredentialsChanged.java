package dev.sluice.access.credential;

import dev.sluice.access.Identity;
import dev.sluice.access.Method;
import dev.sluice.store.credential.StoredCredential;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Tells that credentials have changed, to whoever holds connections of their users. Immutable.
 *
 * @param usernames theirs
 * @param found those of them that exist now, by user name
 */
public record CredentialsChanged(Set<String> usernames, Map<String, StoredCredential> found) {
    /** What a change means for a client that has proved an identity. */
    public enum Consequence {
        NONE,
        /** It says something else of the client now, which has to log in again. */
        OUTDATED,
        /** It may not be connected any more. */
        WITHDRAWN
    }

    public Consequence of(Identity identity) {
        var isOurs = identity.method() == Method.PASSWORD || identity.method() == Method.SCRAM;
        if (!isOurs || !usernames.contains(identity.name())) return Consequence.NONE;
        var now = found.get(identity.name());
        if (now == null || !now.isUsable(Instant.now())) return Consequence.WITHDRAWN;
        return now.settings().groups().equals(identity.groups())
                        && now.settings().limits().equals(identity.limits())
                        && Objects.equals(now.settings().validUntil(), identity.until())
                ? Consequence.NONE
                : Consequence.OUTDATED;
    }
}

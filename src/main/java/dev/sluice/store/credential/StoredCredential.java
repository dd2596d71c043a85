package dev.sluice.store.credential;

import java.time.Instant;
import java.util.Map;
import java.util.Set;

/**
 * A credential as PostgreSQL holds it. Immutable.
 *
 * @param hash the hashed secret
 * @param settings what operators say of it
 * @param revokedAt null if it is not revoked
 * @param version goes up with each change
 */
public record StoredCredential(
        String username,
        String hash,
        String scheme,
        Settings settings,
        Instant revokedAt,
        Instant secretAt,
        long version,
        Instant updatedAt,
        String updatedBy) {
    /**
     * What may be said of a credential besides its secret. Immutable.
     *
     * @param clientIdPattern null for every client id
     * @param groups in the order in which they were written
     * @param limits of its clients, by name; empty for none of its own
     * @param validFrom null for always
     * @param validUntil null for ever
     */
    public record Settings(
            String clientIdPattern,
            Set<String> groups,
            Map<String, Long> limits,
            Instant validFrom,
            Instant validUntil,
            boolean disabled) {
        /** For every client id, without groups, for ever. */
        public static final Settings NONE = new Settings(null, Set.of(), Map.of(), null, null, false);
    }

    /** Whether it may be used at that time. */
    public boolean isUsable(Instant now) {
        return why(now) == null;
    }

    /** Why it may not be used at that time, a word for logs and metrics; null if it may. */
    public String why(Instant now) {
        if (revokedAt != null) return "revoked";
        if (settings.disabled) return "disabled";
        if (settings.validFrom != null && now.isBefore(settings.validFrom)) return "not-yet-valid";
        if (settings.validUntil != null && !now.isBefore(settings.validUntil)) return "expired";
        return null;
    }

    /** Without the hash. */
    @Override
    public String toString() {
        return "credential " + username + " of version " + version;
    }
}

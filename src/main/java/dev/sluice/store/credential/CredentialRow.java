package dev.sluice.store.credential;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A row of {@code credential}; confined to its transaction. Triggers write the version, and who made it and when. */
@Entity
@Table(name = "credential")
class CredentialRow {
    @Id
    String username;

    String hash;

    @Column(insertable = false, updatable = false)
    String scheme;

    @Column(name = "client_id_pattern")
    String clientIdPattern;

    String groups;
    String limits;

    @Column(name = "valid_from")
    Instant validFrom;

    @Column(name = "valid_until")
    Instant validUntil;

    boolean disabled;

    @Column(name = "revoked_at")
    Instant revokedAt;

    @Column(name = "secret_at", insertable = false, updatable = false)
    Instant secretAt;

    @Column(insertable = false, updatable = false)
    Long version;

    @Column(name = "updated_at", insertable = false, updatable = false)
    Instant updatedAt;

    @Column(name = "updated_by", insertable = false, updatable = false)
    String updatedBy;

    void set(StoredCredential.Settings settings) {
        clientIdPattern = settings.clientIdPattern();
        groups = String.join(",", settings.groups());
        limits = text(settings.limits());
        validFrom = settings.validFrom();
        validUntil = settings.validUntil();
        disabled = settings.disabled();
    }

    StoredCredential credential() {
        var settings = new StoredCredential.Settings(
                clientIdPattern, groups(groups), limits(limits), validFrom, validUntil, disabled);
        return new StoredCredential(
                username, hash, scheme, settings, revokedAt, secretAt, version, updatedAt, updatedBy);
    }

    /** As the column has them. */
    static String text(Map<String, Long> limits) {
        return limits.entrySet().stream()
                .map(it -> it.getKey() + "=" + it.getValue())
                .sorted()
                .collect(Collectors.joining(","));
    }

    static Map<String, Long> limits(String text) {
        var limits = new TreeMap<String, Long>();
        if (text.isEmpty()) return limits;
        for (var each : text.split(",")) {
            var parts = each.split("=");
            limits.put(parts[0], Long.valueOf(parts[1]));
        }
        return limits;
    }

    static Set<String> groups(String text) {
        return text.isEmpty() ? Set.of() : new LinkedHashSet<>(List.of(text.split(",")));
    }
}

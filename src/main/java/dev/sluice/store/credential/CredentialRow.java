package dev.sluice.store.credential;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

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
        validFrom = settings.validFrom();
        validUntil = settings.validUntil();
        disabled = settings.disabled();
    }

    StoredCredential credential() {
        var settings = new StoredCredential.Settings(clientIdPattern, groups(groups), validFrom, validUntil, disabled);
        return new StoredCredential(
                username, hash, scheme, settings, revokedAt, secretAt, version, updatedAt, updatedBy);
    }

    static Set<String> groups(String text) {
        return text.isEmpty() ? Set.of() : new LinkedHashSet<>(List.of(text.split(",")));
    }
}

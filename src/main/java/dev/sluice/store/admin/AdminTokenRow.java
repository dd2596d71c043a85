package dev.sluice.store.admin;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A row of {@code admin_token}; confined to its transaction. A trigger writes when it was made and by whom. */
@Entity
@Table(name = "admin_token")
class AdminTokenRow {
    @Id
    String name;

    byte[] hash;
    String role;

    @Column(name = "expires_at")
    Instant expiresAt;

    @Column(name = "created_at", insertable = false, updatable = false)
    Instant createdAt;

    @Column(name = "created_by", insertable = false, updatable = false)
    String createdBy;
}

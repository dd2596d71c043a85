package dev.sluice.store.session;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import org.hibernate.annotations.Immutable;

/** The row of table {@code session} as Hibernate reads it; never written by it, and never seen outside this package. */
@Entity
@Immutable
@Table(name = "session")
class SessionRow {
    @Id
    @Column(name = "client_id")
    String clientId;

    long epoch;
    String node;
    boolean connected;
    boolean resumed;
    short protocol;

    @Column(name = "expiry_seconds")
    long expirySeconds;

    /** Empty for anonymous, null from before there were any. */
    String identity;

    @Column(name = "created_at")
    Instant createdAt;

    @Column(name = "connected_at")
    Instant connectedAt;

    @Column(name = "disconnected_at")
    Instant disconnectedAt;

    @Column(name = "expires_at")
    Instant expiresAt;

    @Column(name = "last_disconnect_reason")
    Short lastDisconnectReason;
}

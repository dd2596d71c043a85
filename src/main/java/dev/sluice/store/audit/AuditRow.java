package dev.sluice.store.audit;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** A row of {@code audit} as Hibernate reads it; never written by it, and never seen outside this package. */
@Entity
@Immutable
@Table(name = "audit")
class AuditRow {
    @Id
    long id;

    Instant at;
    String actor;
    String action;
    String object;

    @Column(name = "before")
    @JdbcTypeCode(SqlTypes.JSON)
    String before;

    @Column(name = "after")
    @JdbcTypeCode(SqlTypes.JSON)
    String after;
}

package dev.sluice.store.session;

import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;
import io.quarkus.panache.common.Page;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** What operators may ask about sessions; blocks, so it is called on virtual threads. Rows stay inside, records go out. */
@ApplicationScoped
public class SessionDirectory {
    private final SessionRows rows;

    SessionDirectory(SessionRows rows) {
        this.rows = rows;
    }

    /** One session as it was last written. */
    public record SessionEntry(
            String clientId,
            boolean connected,
            String node,
            int protocolLevel,
            long expirySeconds,
            Optional<String> username,
            Instant createdAt,
            Instant connectedAt,
            Optional<Instant> disconnectedAt,
            Optional<Instant> expiresAt,
            OptionalInt lastDisconnectReason,
            long epoch) {}

    @Transactional
    public Optional<SessionEntry> find(String clientId) {
        return rows.findByIdOptional(clientId).map(SessionDirectory::entry);
    }

    /** In the order of client ids, from the one after {@code after}; the first page comes after the empty string. */
    @Transactional
    public List<SessionEntry> page(String after, int size) {
        return rows.find("clientId > ?1", Sort.by("clientId"), after).page(Page.ofSize(size)).stream()
                .map(SessionDirectory::entry)
                .toList();
    }

    /** Sessions whose row says that a connection holds them. */
    @Transactional
    public long connected() {
        return rows.count("connected");
    }

    private static SessionEntry entry(SessionRow row) {
        return new SessionEntry(
                row.clientId,
                row.connected,
                row.node,
                row.protocol,
                row.expirySeconds,
                Optional.ofNullable(row.username),
                row.createdAt,
                row.connectedAt,
                Optional.ofNullable(row.disconnectedAt),
                Optional.ofNullable(row.expiresAt),
                row.lastDisconnectReason == null ? OptionalInt.empty() : OptionalInt.of(row.lastDisconnectReason),
                row.epoch);
    }

    /** The Panache repository of {@link SessionRow}. */
    @ApplicationScoped
    static class SessionRows implements PanacheRepositoryBase<SessionRow, String> {}
}

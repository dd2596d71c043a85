package dev.sluice.store.session;

import dev.sluice.store.EntityCalls;
import dev.sluice.store.StoreUnavailable;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.panache.common.Page;
import io.quarkus.panache.common.Parameters;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.PersistenceException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What operators may ask and do about sessions; blocks, so it is called on virtual threads. Rows stay inside, records go out. */
@ApplicationScoped
public class SessionDirectory {
    /** Told to every gateway as an operator's own DELETE is: each forgets the session, and ends its connection. */
    private static final String AS_OPERATOR = "SELECT set_config('sluice.gateway', 'off', true)";

    private static final String DELETE = "DELETE FROM session WHERE client_id = ?1";

    private final SessionRows rows;
    private final EntityCalls calls;

    SessionDirectory(SessionRows rows, EntityCalls calls) {
        this.rows = rows;
        this.calls = calls;
    }

    /**
     * One session as it was last written.
     *
     * @param identity authenticated user name, empty for anonymous; null if it belongs to whoever opens it first
     * @param disconnectedAt null while it is connected
     * @param expiresAt null while it is connected, and if it never expires
     * @param lastDisconnectReason MQTT's reason code; null before the first one, and when the gateway was killed
     */
    public record SessionEntry(
            String clientId,
            boolean connected,
            String node,
            int protocolLevel,
            long expirySeconds,
            String identity,
            Instant createdAt,
            Instant connectedAt,
            Instant disconnectedAt,
            Instant expiresAt,
            Integer lastDisconnectReason,
            long epoch) {}

    /**
     * Which sessions to look for.
     *
     * @param prefix of the client id; empty for any
     * @param user authenticated user name; null for any
     */
    public record Search(String prefix, String user) {}

    /** @throws StoreUnavailable when PostgreSQL cannot be asked now */
    public Optional<SessionEntry> find(String clientId) {
        return calls.call(
                "looking for a session", () -> rows.findByIdOptional(clientId).map(SessionDirectory::entry));
    }

    /**
     * In the order of client ids (of their bytes), from the one after {@code after}; the first page comes after the empty string. Reads no
     * more rows than it answers, by an index.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public List<SessionEntry> page(Search search, String after, int size) {
        var where = new StringBuilder("clientId > :after and clientId >= :prefix");
        var values = Parameters.with("after", after).and("prefix", search.prefix);
        var end = behind(search.prefix);
        if (end != null) {
            where.append(" and clientId < :end");
            values = values.and("end", end);
        }
        if (search.user != null) {
            where.append(" and identity = :user and identity <> ''");
            values = values.and("user", search.user);
        }
        var query = where.toString();
        var given = values;
        return calls.call(
                "looking for sessions",
                () -> rows.find(query, Sort.by("clientId"), given).page(Page.ofSize(size)).stream()
                        .map(SessionDirectory::entry)
                        .toList());
    }

    /** The first text that is behind all that begin with a prefix, in the order of code points; null if there is none. */
    static String behind(String prefix) {
        for (var end = prefix.length(); end > 0; ) {
            var last = prefix.codePointBefore(end);
            end -= Character.charCount(last);
            if (last == Character.MAX_CODE_POINT) continue;
            var next = last + 1 == Character.MIN_SURROGATE ? Character.MAX_SURROGATE + 1 : last + 1;
            return prefix.substring(0, end) + Character.toString(next);
        }
        return null;
    }

    /**
     * Deletes a session, in a transaction that keeps it locked no longer than those of gateways; every gateway forgets it within a second, and the connection that holds it ends with 0x98.
     *
     * @return whether there was one
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public boolean end(String clientId) {
        try {
            return QuarkusTransaction.requiringNew().call(() -> {
                rows.getEntityManager().createNativeQuery(AS_OPERATOR).getSingleResult();
                return rows.getEntityManager()
                                .createNativeQuery(DELETE)
                                .setParameter(1, clientId)
                                .executeUpdate()
                        > 0;
            });
        } catch (PersistenceException failure) {
            throw new StoreUnavailable("ending a session: " + failure.getMessage(), failure);
        }
    }

    private static SessionEntry entry(SessionRow row) {
        return new SessionEntry(
                row.clientId,
                row.connected,
                row.node,
                row.protocol,
                row.expirySeconds,
                row.identity,
                row.createdAt,
                row.connectedAt,
                row.disconnectedAt,
                row.expiresAt,
                row.lastDisconnectReason == null ? null : row.lastDisconnectReason.intValue(),
                row.epoch);
    }

    /** The Panache repository of {@link SessionRow}. */
    @ApplicationScoped
    static class SessionRows implements PanacheRepositoryBase<SessionRow, String> {}
}

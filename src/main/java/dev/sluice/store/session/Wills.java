package dev.sluice.store.session;

import dev.sluice.codec.InputBounds;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.StoredMessage;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.topic.TopicName;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/**
 * Hands out wills that are due; blocks, so it is called on virtual threads, one at a time. Wills are stored by {@link SessionStore#open} and
 * fall due by {@link JournalWrite.CloseSession}, by the next open, by the end of their session, and by the burial of their gateway.
 * A will is first delivered, by {@link JournalWrite.Accept#ofWill}; its row stays until Kafka has its record, too.
 */
@ApplicationScoped
public class Wills {
    /** What a will takes on the heap: a property of five bytes becomes objects of a hundred. */
    private static final String BYTES =
            "(200 + octet_length(topic) + octet_length(payload) + 20 * coalesce(octet_length(properties), 0))";

    private static final String FREE = "due_at <= now() AND (leased_until IS NULL OR leased_until <= now())";

    /**
     * Those that are due longest first; of them, as many as together stay below a number of bytes, but one at least. Without a lease,
     * {@code leased_by} is the gateway that has told clients of all gateways, and gave the will back for its record alone.
     */
    private static final String CLAIM = """
            WITH free AS MATERIALIZED (
                SELECT id, due_at, leased_until IS NULL AND leased_by IS NOT NULL AS everywhere, %s AS bytes
                  FROM will WHERE %s AND %s ORDER BY due_at, id LIMIT ? FOR UPDATE SKIP LOCKED),
            few AS (SELECT id, everywhere, bytes, sum(bytes) OVER (ORDER BY due_at, id) - bytes AS before FROM free),
            claimed AS (
                UPDATE will w SET leased_until = now() + ? * interval '1 millisecond', leased_by = ?
                  FROM few f WHERE w.id = f.id AND f.before < ?
                RETURNING w.*, f.everywhere, f.bytes)
            SELECT * FROM claimed ORDER BY due_at, id""";

    private static final String CLAIM_DUE = CLAIM.formatted(BYTES, "NOT delivered", FREE);
    private static final String CLAIM_DELIVERED = CLAIM.formatted(BYTES, "delivered", FREE);

    private static final String CLAIM_THESE = CLAIM.formatted(BYTES, "id = ANY (?) AND NOT delivered", FREE);

    /** In one order, as every lane that delivers some, and other gateways do: nobody waits in a circle. */
    private static final String THESE =
            " WHERE id = ANY (ARRAY(SELECT id FROM will WHERE id = ANY (?) ORDER BY id FOR UPDATE))";

    /** The same, but for those that others have claimed since: this gateway was frozen for longer than its lease. */
    private static final String OURS = THESE + " AND leased_by = ?";

    private static final String RELEASE =
            "UPDATE will SET due_at = now()" + THESE + " AND epoch = ? AND due_at > now()";

    private static final String RENEW = """
            UPDATE will SET leased_until = now() + ? * interval '1 millisecond', delivered = delivered OR id = ANY (?)""" + OURS;

    private static final String GIVE_BACK = """
            UPDATE will SET leased_until = NULL, leased_by = CASE WHEN id = ANY (?) THEN ? END, delivered = delivered OR id = ANY (?)""" + OURS;

    private final StoreCalls calls;
    private final String node;
    private final InputBounds bounds;

    /** Has a connection of its own, so that a thousand wills are in nobody's way. */
    public Wills(DataSource dataSource, StoreConfig config, StoreHealth health, NodeConfig node, InputBounds bounds) {
        this.calls = new StoreCalls(dataSource, health, 1, config.readTimeout());
        this.node = node.id();
        this.bounds = bounds;
    }

    /**
     * A will to be published now.
     *
     * @param identity authenticated user name of the client that brought it, empty for anonymous; null if nobody knows any more
     * @param requester who that was, as JSON; null for anonymous
     * @param will properties that are above today's bounds come with their {@link Properties#excess}
     * @param id that of its row, never used for another will
     * @param delivered whether PostgreSQL has what it is to keep of it, and a gateway has begun to tell clients
     * @param everywhere whether clients of all gateways have it, so that only Kafka has to get it
     * @param bytes what it takes on the heap
     */
    public record DueWill(
            String clientId,
            String identity,
            String requester,
            long id,
            Will will,
            boolean delivered,
            boolean everywhere,
            long bytes) {
        /** The authenticated user name, null for anonymous. */
        public String username() {
            return identity == null || identity.isEmpty() ? null : identity;
        }
    }

    /**
     * Takes wills that are due and not delivered, those that are due longest first; nobody else gets them while the lease lasts. A will
     * that is not {@link #published} or {@link #renew renewed} by then, or when this node is buried or has started again, is handed out again: it is
     * published once at least.
     *
     * @param bytes takes no further one when those taken have as many
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public List<DueWill> claimDue(int limit, long bytes, Duration lease) {
        return claim(CLAIM_DUE, limit, bytes, lease);
    }

    /** The same for wills that are delivered, and not in Kafka yet. */
    public List<DueWill> claimDelivered(int limit, long bytes, Duration lease) {
        return claim(CLAIM_DELIVERED, limit, bytes, lease);
    }

    private List<DueWill> claim(String sql, int limit, long bytes, Duration lease) {
        return calls.call("claiming wills", connection -> {
            try (var claim = connection.prepareStatement(sql)) {
                return claim(claim, 1, limit, bytes, lease);
            }
        });
    }

    /** The same for those of these wills that are not delivered. */
    public List<DueWill> claim(Collection<Long> ids, int limit, long bytes, Duration lease) {
        return calls.call("claiming wills", connection -> {
            try (var claim = connection.prepareStatement(CLAIM_THESE)) {
                claim.setArray(1, array(connection, ids));
                return claim(claim, 2, limit, bytes, lease);
            }
        });
    }

    private List<DueWill> claim(PreparedStatement claim, int at, int limit, long bytes, Duration lease)
            throws SQLException {
        claim.setInt(at, limit);
        claim.setLong(at + 1, lease.toMillis());
        claim.setString(at + 2, node);
        claim.setLong(at + 3, bytes);
        return read(claim);
    }

    /** Those of these wills that are not published whole: whether each is delivered, by its id. */
    public Map<Long, Boolean> delivered(Collection<Long> ids) {
        return calls.call("looking at wills", connection -> {
            try (var select = connection.prepareStatement("SELECT id, delivered FROM will WHERE id = ANY (?)")) {
                select.setArray(1, array(connection, ids));
                var found = new HashMap<Long, Boolean>();
                try (var rows = select.executeQuery()) {
                    while (rows.next()) found.put(rows.getLong(1), rows.getBoolean(2));
                }
                return found;
            }
        });
    }

    /** Lets those of these wills fall due now that a connection has brought, whose gateway has had its say. */
    public void release(Collection<Long> ids, long epoch) {
        calls.call("releasing wills", connection -> {
            try (var update = connection.prepareStatement(RELEASE)) {
                update.setArray(1, array(connection, ids));
                update.setLong(2, epoch);
                return update.executeUpdate();
            }
        });
    }

    /** Lengthens the lease of wills; {@code delivered} are those of them that subscribers have. */
    public void renew(Collection<Long> ids, Collection<Long> delivered, Duration lease) {
        calls.call("renewing the lease of wills", connection -> {
            try (var update = connection.prepareStatement(RENEW)) {
                update.setLong(1, lease.toMillis());
                update.setArray(2, array(connection, delivered));
                update.setArray(3, array(connection, ids));
                update.setString(4, node);
                return update.executeUpdate();
            }
        });
    }

    /**
     * Lets wills be handed out again.
     *
     * @param delivered those of them that subscribers have
     * @param everywhere those that clients of all gateways have
     */
    public void giveBack(Collection<Long> ids, Collection<Long> delivered, Collection<Long> everywhere) {
        calls.call("giving wills back", connection -> {
            try (var update = connection.prepareStatement(GIVE_BACK)) {
                update.setArray(1, array(connection, everywhere));
                update.setString(2, node);
                update.setArray(3, array(connection, delivered));
                update.setArray(4, array(connection, ids));
                update.setString(5, node);
                return update.executeUpdate();
            }
        });
    }

    /** Deletes wills that were published, or never will be. */
    public void published(Collection<Long> ids) {
        calls.call("deleting wills", connection -> {
            try (var delete = connection.prepareStatement("DELETE FROM will" + THESE)) {
                delete.setArray(1, array(connection, ids));
                return delete.executeUpdate();
            }
        });
    }

    /** Will Delay Interval, 0 without one (section 3.1.3.2.2). */
    static long delaySeconds(Will will) {
        return will.properties().number(Property.WILL_DELAY_INTERVAL, 0);
    }

    private static Array array(Connection connection, Collection<Long> ids) throws SQLException {
        return connection.createArrayOf("int8", ids.toArray());
    }

    private List<DueWill> read(PreparedStatement claim) throws SQLException {
        var wills = new ArrayList<DueWill>();
        try (var rows = claim.executeQuery()) {
            while (rows.next()) wills.add(read(rows));
        }
        return wills;
    }

    private DueWill read(ResultSet row) throws SQLException {
        var will = new Will(
                TopicName.of(row.getString("topic")),
                QoS.of(row.getInt("qos")),
                row.getBoolean("retain"),
                StoredMessage.properties(row.getBytes("properties"), bounds),
                row.getBytes("payload"));
        return new DueWill(
                row.getString("client_id"),
                row.getString("identity"),
                row.getString("requester"),
                row.getLong("id"),
                will,
                row.getBoolean("delivered"),
                row.getBoolean("everywhere"),
                row.getLong("bytes"));
    }
}

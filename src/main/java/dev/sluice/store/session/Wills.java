package dev.sluice.store.session;

import dev.sluice.config.NodeConfig;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.StoredMessage;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.topic.TopicName;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Hands out wills that are due; blocks, so it is called on virtual threads. Wills are stored by {@link SessionStore#open} and fall due by
 * {@link JournalWrite.CloseSession}, by the end of their session, and by {@link SessionExpiry#reclaim}.
 */
@ApplicationScoped
public class Wills {
    private static final String CLAIM = """
            WITH claimed AS (
                UPDATE will SET leased_until = now() + ? * interval '1 millisecond', leased_by = ?
                 WHERE id = ANY (ARRAY(
                    SELECT id FROM will WHERE due_at <= now() AND (leased_until IS NULL OR leased_until <= now())
                     ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED))
                RETURNING *)
            SELECT * FROM claimed ORDER BY due_at, id""";

    private final StoreRequests requests;
    private final String node;

    public Wills(StoreRequests requests, NodeConfig node) {
        this.requests = requests;
        this.node = node.id();
    }

    /** A will to be published now; {@code id} is that of its row, never used for another will. */
    public record DueWill(String clientId, long id, Will will) {}

    /**
     * Takes wills that are due, those that are due longest first; nobody else gets them while the lease lasts. A will that is not
     * {@link #published} by then, or when this node has started again, is handed out again: it is published once at least.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public List<DueWill> claim(int limit, Duration lease) {
        return requests.call("claiming wills", connection -> {
            try (var claim = connection.prepareStatement(CLAIM)) {
                claim.setLong(1, lease.toMillis());
                claim.setString(2, node);
                claim.setInt(3, limit);
                var wills = new ArrayList<DueWill>();
                try (var rows = claim.executeQuery()) {
                    while (rows.next()) wills.add(read(rows));
                }
                return wills;
            }
        });
    }

    /**
     * Deletes a will that was published.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public void published(DueWill will) {
        requests.call("deleting a will", connection -> {
            try (var delete = connection.prepareStatement("DELETE FROM will WHERE id = ?")) {
                delete.setLong(1, will.id());
                return delete.executeUpdate();
            }
        });
    }

    /** Will Delay Interval, 0 without one (section 3.1.3.2.2). */
    static long delaySeconds(Will will) {
        return will.properties().number(Property.WILL_DELAY_INTERVAL, 0);
    }

    private static DueWill read(ResultSet row) throws SQLException {
        return new DueWill(
                row.getString("client_id"),
                row.getLong("id"),
                new Will(
                        TopicName.of(row.getString("topic")),
                        QoS.of(row.getInt("qos")),
                        row.getBoolean("retain"),
                        StoredMessage.properties(row.getBytes("properties")),
                        row.getBytes("payload")));
    }
}

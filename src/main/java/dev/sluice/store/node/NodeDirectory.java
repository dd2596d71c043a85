package dev.sluice.store.node;

import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What operators may ask and do about gateways; blocks, so it is called on virtual threads. */
@ApplicationScoped
public class NodeDirectory {
    private static final String ALL = """
            SELECT n.*, s.* FROM v_node n CROSS JOIN LATERAL (
                   SELECT array_agg(e.key ORDER BY e.key) AS keys, array_agg(e.value ORDER BY e.key) AS texts
                     FROM jsonb_each_text(n.settings) e) s
             ORDER BY n.id""";

    private final StoreCalls calls;

    public NodeDirectory(StoreRequests requests) {
        this.calls = requests.upkeep();
    }

    /**
     * One gateway as it was last written.
     *
     * @param state as the view {@code v_node} has it
     * @param mailbox null of one that was found in sessions only
     * @param address host and port, null as above
     * @param ready whether load balancers are to bring clients
     * @param settings what has to be the same at all, by its keys; empty of one that does not say
     */
    public record NodeEntry(
            String id,
            String state,
            long run,
            Integer mailbox,
            Instant leaseUntil,
            Instant startedAt,
            boolean draining,
            int connections,
            String address,
            String version,
            boolean ready,
            Map<String, String> settings) {}

    /**
     * All of them, in the order of their names.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public List<NodeEntry> all() {
        return calls.call("looking for gateways", connection -> {
            try (var select = connection.prepareStatement(ALL);
                    var rows = select.executeQuery()) {
                var found = new ArrayList<NodeEntry>();
                while (rows.next()) found.add(entry(rows));
                return found;
            }
        });
    }

    private static NodeEntry entry(ResultSet row) throws SQLException {
        return new NodeEntry(
                row.getString("id"),
                row.getString("state"),
                row.getLong("run"),
                row.getObject("mailbox", Integer.class),
                row.getObject("lease_until", OffsetDateTime.class).toInstant(),
                row.getObject("started_at", OffsetDateTime.class).toInstant(),
                row.getBoolean("draining"),
                row.getInt("connections"),
                row.getString("address"),
                row.getString("version"),
                row.getBoolean("ready"),
                settings(row));
    }

    private static Map<String, String> settings(ResultSet row) throws SQLException {
        var settings = new LinkedHashMap<String, String>();
        if (row.getArray("keys") == null) return settings;
        var keys = (String[]) row.getArray("keys").getArray();
        var texts = (String[]) row.getArray("texts").getArray();
        for (int i = 0; i < keys.length; i++) settings.put(keys[i], texts[i]);
        return settings;
    }

    /**
     * Tells a gateway to let its clients go, or, false, to take clients again; it learns of it with the next renewal of its lease.
     *
     * @return whether there is one that is not dead
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public boolean drain(String id, boolean drains) {
        return calls.call("draining a gateway", connection -> {
            try (var update =
                    connection.prepareStatement("UPDATE node SET draining = ? WHERE id = ? AND last_epoch IS NULL")) {
                update.setBoolean(1, drains);
                update.setString(2, id);
                return update.executeUpdate() > 0;
            }
        });
    }
}

package dev.sluice.store.node;

import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes down how this gateway is configured, and finds who is configured otherwise; blocks, so it is called on virtual threads. */
@ApplicationScoped
public class NodeSettings {
    private static final String SAY = """
            UPDATE node SET settings = jsonb_object(?::text[], ?::text[]), settings_run = run
             WHERE id = ? AND run = ? AND settings_run IS DISTINCT FROM run""";

    /** A key that only one of the two knows is of another version. */
    private static final String DIFFERENT = """
            SELECT o.id, o.run, s.key, s.value AS own, o.settings ->> s.key AS other
              FROM node n
             CROSS JOIN LATERAL jsonb_each_text(n.settings) s
              JOIN node o ON o.id <> n.id AND o.last_epoch IS NULL AND o.settings_run = o.run AND o.settings ->> s.key <> s.value
             WHERE n.id = ? AND n.settings_run = n.run
             ORDER BY o.id, s.key""";

    private final StoreCalls calls;

    public NodeSettings(StoreRequests requests) {
        this.calls = requests.upkeep();
    }

    /** A key that another gateway, in this run of it, has another value for. */
    public record Difference(String id, long run, String key, String own, String other) {}

    /**
     * Says how a run of a gateway is configured, once, and returns what the others that nobody has declared dead have otherwise.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public List<Difference> compare(String id, long run, Map<String, String> settings) {
        return calls.call("comparing configurations", connection -> {
            say(connection, id, run, settings);
            try (var different = connection.prepareStatement(DIFFERENT)) {
                different.setString(1, id);
                var found = new ArrayList<Difference>();
                try (var rows = different.executeQuery()) {
                    while (rows.next())
                        found.add(new Difference(
                                rows.getString("id"),
                                rows.getLong("run"),
                                rows.getString("key"),
                                rows.getString("own"),
                                rows.getString("other")));
                }
                return found;
            }
        });
    }

    private static void say(Connection connection, String id, long run, Map<String, String> settings)
            throws SQLException {
        var keys = settings.keySet().toArray(String[]::new);
        var values = new String[keys.length];
        for (int i = 0; i < keys.length; i++) values[i] = settings.get(keys[i]);
        try (var say = connection.prepareStatement(SAY)) {
            say.setArray(1, connection.createArrayOf("text", keys));
            say.setArray(2, connection.createArrayOf("text", values));
            say.setString(3, id);
            say.setLong(4, run);
            say.executeUpdate();
        }
    }
}

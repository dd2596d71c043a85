package dev.sluice.store.route;

import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreRequests;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/** Reads and changes the routes in PostgreSQL; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class RouteStore {
    private static final String READ = """
            SELECT s.version AS set_version, r.name, r.spec, r.version, r.updated_at, r.updated_by
              FROM route_set s LEFT JOIN route r ON true ORDER BY r.name""";

    private static final String HISTORY = """
            SELECT id, at, actor, action, object, before, after FROM audit
             WHERE object >= ? AND object < ? AND id < ? ORDER BY id DESC LIMIT ?""";

    private static final String GOOD = """
            SELECT s.good_version, e.key, e.value
              FROM route_set s LEFT JOIN LATERAL jsonb_each(s.good) e ON true WHERE s.good IS NOT NULL""";

    /** Whoever holds the lock may take as long as an operator thinks. */
    private static final String GOOD_VERSION = "SELECT coalesce(good_version, 0) FROM route_set FOR UPDATE SKIP LOCKED";

    private static final String KEEP = """
            UPDATE route_set SET good_version = ?, good = (
                SELECT coalesce(jsonb_object_agg(name, spec::jsonb), '{}') FROM unnest(?, ?) AS one (name, spec))""";

    private static final String OBJECT = "route/";

    private final StoreCalls calls;

    public RouteStore(StoreRequests requests) {
        this.calls = requests.routes();
    }

    /** One change of a route; {@code before} and {@code after} are JSON, and null where there was no route. */
    public record Change(long id, Instant at, String actor, String action, String route, String before, String after) {}

    /**
     * A set of routes that was right.
     *
     * @param specs JSON by name
     */
    public record Good(long version, SortedMap<String, String> specs) {}

    /**
     * What a change has made of the routes.
     *
     * @param wanted what the change returned
     */
    public record Changed<T>(StoredRoutes before, StoredRoutes after, T wanted) {}

    /** The routes as they are now. */
    public StoredRoutes read() {
        return calls.call("reading the routes", RouteStore::read);
    }

    /**
     * Changes the routes, while nobody else does. What makes no difference is not written.
     *
     * @param actor for the account of changes
     * @param change gets the routes as they are, and returns what they are to be; what it throws ends the change
     * @param specs gives the JSON of each route, by name, of what the change returned
     */
    public <T> Changed<T> change(
            String actor, Function<StoredRoutes, T> change, Function<T, SortedMap<String, String>> specs) {
        return calls.call("changing the routes", connection -> {
            try (var lock = connection.createStatement()) {
                lock.execute("SELECT FROM route_set FOR UPDATE");
            }
            var before = read(connection);
            var wanted = change.apply(before);
            var stored = specs.apply(wanted);
            act(connection, actor);
            var gone = new ArrayList<>(before.routes().keySet());
            gone.removeAll(stored.keySet());
            delete(connection, gone);
            put(connection, before, stored);
            return new Changed<>(before, read(connection), wanted);
        });
    }

    /** The set that was kept last. */
    public Optional<Good> good() {
        return calls.call("reading the last good routes", connection -> {
            try (var query = connection.prepareStatement(GOOD);
                    var rows = query.executeQuery()) {
                if (!rows.next()) return Optional.empty();
                var version = rows.getLong("good_version");
                var specs = new TreeMap<String, String>();
                do {
                    if (rows.getString("key") != null) specs.put(rows.getString("key"), rows.getString("value"));
                } while (rows.next());
                return Optional.of(new Good(version, specs));
            }
        });
    }

    /**
     * Keeps a set that is right, unless a newer one is kept; does not wait for those who change routes.
     *
     * @return false if somebody is changing routes, so that it is to be tried again
     */
    public boolean keep(Good good) {
        return calls.call("keeping the good routes", connection -> {
            try (var lock = connection.createStatement();
                    var kept = lock.executeQuery(GOOD_VERSION)) {
                if (!kept.next()) return false;
                if (kept.getLong(1) >= good.version()) return true;
            }
            try (var update = connection.prepareStatement(KEEP)) {
                update.setLong(1, good.version());
                update.setArray(
                        2,
                        connection.createArrayOf("text", good.specs().keySet().toArray()));
                update.setArray(
                        3,
                        connection.createArrayOf("text", good.specs().values().toArray()));
                update.executeUpdate();
            }
            return true;
        });
    }

    private static StoredRoutes read(Connection connection) throws SQLException {
        try (var query = connection.prepareStatement(READ);
                var rows = query.executeQuery()) {
            var version = 0L;
            var routes = new TreeMap<String, StoredRoutes.Entry>();
            while (rows.next()) {
                version = rows.getLong("set_version");
                if (rows.getString("name") == null) continue; // the set is empty
                var updatedAt = rows.getTimestamp("updated_at").toInstant();
                routes.put(
                        rows.getString("name"),
                        new StoredRoutes.Entry(
                                rows.getString("spec"),
                                rows.getLong("version"),
                                updatedAt,
                                rows.getString("updated_by")));
            }
            return new StoredRoutes(version, routes);
        }
    }

    private static void act(Connection connection, String actor) throws SQLException {
        try (var set = connection.prepareStatement("SELECT set_config('sluice.actor', ?, true)")) {
            set.setString(1, actor);
            set.execute();
        }
    }

    private static void delete(Connection connection, List<String> names) throws SQLException {
        if (names.isEmpty()) return;
        try (var delete = connection.prepareStatement("DELETE FROM route WHERE name = ANY (?)")) {
            delete.setArray(1, connection.createArrayOf("text", names.toArray()));
            delete.execute();
        }
    }

    private static void put(Connection connection, StoredRoutes before, Map<String, String> specs) throws SQLException {
        try (var update = connection.prepareStatement(
                        "UPDATE route SET spec = w.spec FROM (SELECT ?::jsonb AS spec, ? AS name) w"
                                + " WHERE route.name = w.name AND route.spec <> w.spec");
                var insert = connection.prepareStatement("INSERT INTO route (spec, name) VALUES (?::jsonb, ?)")) {
            for (var spec : specs.entrySet()) {
                var statement = before.routes().containsKey(spec.getKey()) ? update : insert;
                statement.setString(1, spec.getValue());
                statement.setString(2, spec.getKey());
                statement.executeUpdate();
            }
        }
    }

    /**
     * Who changed which route, the latest change first.
     *
     * @param route null for all
     * @param before the id that the page ends before
     */
    public List<Change> history(String route, long before, int count) {
        return calls.call("reading the history of the routes", connection -> {
            try (var query = connection.prepareStatement(HISTORY)) {
                query.setString(1, route == null ? OBJECT : OBJECT + route);
                // The next string after all that begin like this, or after this one.
                query.setString(2, route == null ? "route0" : OBJECT + route + "\u0001");
                query.setLong(3, before);
                query.setInt(4, count);
                return changes(query.executeQuery());
            }
        });
    }

    private static List<Change> changes(java.sql.ResultSet rows) throws SQLException {
        var changes = new ArrayList<Change>();
        while (rows.next())
            changes.add(new Change(
                    rows.getLong("id"),
                    rows.getTimestamp("at").toInstant(),
                    rows.getString("actor"),
                    rows.getString("action"),
                    rows.getString("object").substring(OBJECT.length()),
                    rows.getString("before"),
                    rows.getString("after")));
        return changes;
    }
}

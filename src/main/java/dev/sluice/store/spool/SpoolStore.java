package dev.sluice.store.spool;

import dev.sluice.config.NodeConfig;
import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.SpoolRow;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/**
 * Reads the spool, and takes out of it what Kafka has; blocks, so it is called on virtual threads. Rows are put in by
 * {@link JournalWrite.Spool}.
 */
@ApplicationScoped
public class SpoolStore {
    /** Records of a key are in one of these; fixed, since the rows of all gateways are in them. */
    public static final int STRIPES = 16;

    /** What a gateway holds that has not said for this long that it lives is free. */
    public static final Duration LIFE = Duration.ofSeconds(15);

    /** The age of nothing. */
    public static final double NONE = -1;

    private static final String RENEW = """
            INSERT INTO spool_holder (id, node, alive_until) VALUES (?, ?, now() + ? * interval '1 millisecond')
            ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until""";

    /** By lane, so that two gateways do not wait for each other in a circle. */
    private static final String LEASE = """
            UPDATE spool_lane SET holder = CASE WHEN lane = ANY (?) THEN ? END
             WHERE lane = ANY (ARRAY(
                SELECT l.lane FROM spool_lane l
                 WHERE CASE WHEN l.lane = ANY (?)
                       THEN l.holder IS NULL OR NOT EXISTS (
                            SELECT FROM spool_holder h WHERE h.id = l.holder AND h.alive_until > now())
                       ELSE l.holder = ? END
                 ORDER BY l.lane FOR UPDATE SKIP LOCKED))""";

    /** Asked each second, so it begins at {@link LaneFloors}. */
    static final String LANE_STATES = """
            SELECT l.lane, coalesce(l.holder = ?, false) AS ours, extract(epoch FROM now() - a.spooled_at) AS age,
                   coalesce(a.seq - 1, (SELECT last_value FROM spool_seq)) AS empty,
                   extract(epoch FROM now() - f.spooled_at) AS free_age, EXISTS (
                   SELECT FROM spool_holder h WHERE h.id = f.holder AND h.alive_until > now()) AS held
              FROM (SELECT l.*, (?::bigint[])[l.lane + 1] AS floor FROM spool_lane l) l
              LEFT JOIN LATERAL (
                   SELECT s.seq, s.spooled_at FROM spool s
                    WHERE s.lane = l.lane AND s.seq > l.floor ORDER BY s.seq LIMIT 1) a ON true
              LEFT JOIN LATERAL (
                   SELECT s.spooled_at, s.holder FROM spool s
                    WHERE s.lane = l.lane AND s.seq > l.floor AND s.holder IS DISTINCT FROM ? ORDER BY s.seq LIMIT 1) f ON true
             ORDER BY l.lane""";

    private static final String DEPTH = "SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM spool_count";

    /** What others added meanwhile to a row that is folded is not lost: they add to whatever is there. Rows in use stay. */
    private static final String FOLD = """
            WITH past AS (
                DELETE FROM spool_count WHERE writer = ANY (ARRAY(SELECT writer FROM spool_count FOR UPDATE SKIP LOCKED))
                RETURNING rows, bytes)
            INSERT INTO spool_count AS c SELECT 0, sum(rows), sum(bytes) FROM past HAVING count(*) > 0
            ON CONFLICT (writer) DO UPDATE SET rows = c.rows + excluded.rows, bytes = c.bytes + excluded.bytes""";

    private static final String EMPTY =
            "SELECT NOT EXISTS (SELECT FROM spool WHERE lane = ? AND holder IS DISTINCT FROM ? AND kafka_topic <> ALL (?))";

    private static final String CLIENTS = """
            SELECT w.client_id, f.stuck
              FROM unnest(?::text[]) AS w(client_id)
             CROSS JOIN LATERAL (
                   SELECT s.spooled_at < now() - interval '1 second' AS stuck FROM spool s
                    WHERE s.client_id COLLATE "C" = w.client_id AND s.lane >= 0 AND s.holder IS DISTINCT FROM ?
                    ORDER BY s.seq LIMIT 1) f""";

    private static final String REMOVE = """
            WITH gone AS (
                DELETE FROM spool s USING unnest(?::integer[], ?::bigint[]) AS w(lane, seq)
                 WHERE s.lane = w.lane AND s.seq = w.seq RETURNING s.bytes),
            counted AS (
                INSERT INTO spool_count AS c SELECT ?, -count(*), -sum(bytes) FROM gone HAVING count(*) > 0
                ON CONFLICT (writer) DO UPDATE SET rows = c.rows + excluded.rows, bytes = c.bytes + excluded.bytes)
            SELECT count(*) FROM gone""";

    private static final String HOLD = """
            UPDATE spool s SET holder = ? FROM unnest(?::integer[], ?::bigint[]) AS w(lane, seq)
             WHERE s.lane = w.lane AND s.seq = w.seq""";

    private static final String FAIL =
            "UPDATE spool SET lane = -1, holder = NULL, failure = ? WHERE lane = ? AND seq = ?";

    private final LaneFloors floors;
    private final StoreCalls requests;
    private final StoreCalls leases;
    private final String node;
    /** This run of the gateway, as a holder of rows and stripes and as a writer of counters. */
    private final long run = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);

    private final List<SpoolReader> readers = IntStream.range(0, STRIPES)
            .mapToObj(lane -> new SpoolReader(lane, run))
            .toList();

    @Inject
    public SpoolStore(StoreRequests requests, NodeConfig node) {
        this(requests, node, new LaneFloors());
    }

    SpoolStore(StoreRequests requests, NodeConfig node, LaneFloors floors) {
        this.floors = floors;
        this.requests = requests.spool();
        this.leases = requests.upkeep();
        this.node = node.id();
    }

    /** A place of a row. */
    public record Place(int lane, long seq) {}

    /**
     * One stripe as it is now: a part of all keys, the column {@code lane}.
     *
     * @param ours whether this gateway may drain it
     * @param ageSeconds of its first row; {@link #NONE} if it has none
     * @param freeAgeSeconds of the first row that this run does not hold
     * @param heldElsewhere whether that row is one that another living gateway holds: as long as it is, the stripe does not run empty
     */
    public record StripeState(
            int number, boolean ours, double ageSeconds, double freeAgeSeconds, boolean heldElsewhere) {
        public boolean isEmpty() {
            return ageSeconds < 0;
        }

        /** The same for another gateway to drain. */
        public StripeState letGo() {
            return new StripeState(number, false, ageSeconds, freeAgeSeconds, heldElsewhere);
        }
    }

    /** The spool as it is now. */
    public record SpoolState(long rows, long bytes, List<StripeState> stripes) {}

    /**
     * Rows that may be produced, in the order of their places.
     *
     * @param isFirst whether they were read from the front
     * @param isOver whether the next ones are to be read from the front again: what follows may follow something that was committed since, at a
     *     place that is passed
     * @param last the place up to which the stripe was read
     * @param more whether rows may follow it
     */
    public record Page(List<SpoolRow> rows, boolean isFirst, boolean isOver, long last, boolean more) {}

    public long run() {
        return run;
    }

    /**
     * Frees what an earlier run of this node held when it was killed. To be called before anything is spooled under this node's name, which no
     * other running gateway may bear.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public SpoolState start() {
        return requests.call("opening the spool", connection -> {
            try (var forget = connection.prepareStatement(
                            "DELETE FROM spool_holder WHERE node = ? OR alive_until < now() - interval '1 day'");
                    var fold = connection.prepareStatement(FOLD)) {
                forget.setString(1, node);
                forget.executeUpdate();
                fold.executeUpdate();
            }
            return ask(connection);
        });
    }

    /** Looks without holding anything. */
    public SpoolState state() {
        return requests.call("looking at the spool", this::ask);
    }

    /**
     * Says that this run lives, takes the stripes that it wants and nobody alive has, gives back those that it does not want, and looks.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public SpoolState lease(Set<Integer> wanted) {
        return leases.call("holding the spool", connection -> {
            try (var renew = connection.prepareStatement(RENEW);
                    var lease = connection.prepareStatement(LEASE)) {
                renew.setLong(1, run);
                renew.setString(2, node);
                renew.setLong(3, LIFE.toMillis());
                renew.executeUpdate();
                var lanes = connection.createArrayOf("int4", wanted.toArray(Integer[]::new));
                lease.setArray(1, lanes);
                lease.setLong(2, run);
                lease.setArray(3, lanes);
                lease.setLong(4, run);
                lease.executeUpdate();
            }
            return ask(connection);
        });
    }

    /**
     * Gives back all that this run holds, rows and stripes: its producer has ended.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public void release() {
        requests.call("releasing the spool", connection -> {
            try (var release = connection.prepareStatement("DELETE FROM spool_holder WHERE id = ?")) {
                release.setLong(1, run);
                return release.executeUpdate();
            }
        });
    }

    private SpoolState ask(Connection connection) throws SQLException {
        try (var states = connection.prepareStatement(LANE_STATES);
                var depth = connection.prepareStatement(DEPTH)) {
            var lanes = lanes(states);
            try (var rows = depth.executeQuery()) {
                rows.next();
                return new SpoolState(rows.getLong(1), rows.getLong(2), lanes);
            }
        }
    }

    private List<StripeState> lanes(PreparedStatement states) throws SQLException {
        var begunAt = System.nanoTime();
        var after = floors.next();
        states.setLong(1, run);
        states.setArray(2, states.getConnection().createArrayOf("int8", after));
        states.setLong(3, run);
        var lanes = new ArrayList<StripeState>();
        var empty = new Long[STRIPES];
        try (var rows = states.executeQuery()) {
            while (rows.next()) {
                var lane = rows.getInt("lane");
                empty[lane] = rows.getLong("empty");
                lanes.add(new StripeState(
                        lane,
                        rows.getBoolean("ours"),
                        age(rows, "age"),
                        age(rows, "free_age"),
                        rows.getBoolean("held")));
            }
        }
        floors.seen(after, empty, begunAt);
        return lanes;
    }

    private static double age(ResultSet row, String column) throws SQLException {
        var seconds = row.getDouble(column);
        return row.wasNull() ? NONE : Math.max(seconds, 0);
    }

    /**
     * The rows of a stripe after a place, except those that this run holds: at most {@code limit}, at most as many as have {@code bytes} bytes in
     * all but at least one, and none of a key of which another living gateway holds an earlier row. A stripe is read by one thread at a time.
     *
     * @param after 0 to read from the front
     * @param leftOut Kafka topics whose rows are not read
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public Page page(int lane, long after, int limit, long bytes, Set<String> leftOut) {
        return readers.get(lane).page(requests, after, limit, bytes, leftOut);
    }

    /** Whether a stripe has no rows except those that this run holds, and those of some Kafka topics. */
    public boolean isEmpty(int lane, Set<String> leftOut) {
        return requests.call("looking at the spool", connection -> {
            try (var ask = connection.prepareStatement(EMPTY)) {
                ask.setInt(1, lane);
                ask.setLong(2, run);
                ask.setArray(3, connection.createArrayOf("text", leftOut.toArray()));
                try (var rows = ask.executeQuery()) {
                    rows.next();
                    return rows.getBoolean(1);
                }
            }
        });
    }

    /**
     * Of these clients, those that have rows which this run does not hold: whether the first of them has waited for more than a second.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public Map<String, Boolean> waiting(Collection<String> clientIds) {
        return requests.call("looking for clients in the spool", connection -> {
            try (var ask = connection.prepareStatement(CLIENTS)) {
                ask.setArray(1, connection.createArrayOf("text", clientIds.toArray()));
                ask.setLong(2, run);
                var waiting = new HashMap<String, Boolean>();
                try (var rows = ask.executeQuery()) {
                    while (rows.next()) waiting.put(rows.getString(1), rows.getBoolean(2));
                }
                return waiting;
            }
        });
    }

    /**
     * Deletes rows that Kafka has; returns how many there were.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now; then to be called again
     */
    public int remove(Collection<Place> places) {
        return requests.call("emptying the spool", connection -> {
            try (var remove = connection.prepareStatement(REMOVE)) {
                bind(remove, 1, places);
                remove.setLong(3, run);
                try (var rows = remove.executeQuery()) {
                    rows.next();
                    return rows.getInt(1);
                }
            }
        });
    }

    /**
     * Says of rows that this run's producer has them: no other gateway passes them as long as it lives.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now; then to be called again
     */
    public void lease(List<Place> places) {
        hold("holding records of the spool", places, run);
    }

    /**
     * Gives rows that this run holds to the drain: its producer does not deliver them.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now; then to be called again
     */
    public void unlease(List<Place> places) {
        hold("freeing records of the spool", places, null);
    }

    private void hold(String what, List<Place> places, Long holder) {
        requests.call(what, connection -> {
            try (var hold = connection.prepareStatement(HOLD)) {
                hold.setObject(1, holder, Types.BIGINT);
                bind(hold, 2, places);
                return hold.executeUpdate();
            }
        });
    }

    private static void bind(PreparedStatement statement, int first, Collection<Place> places) throws SQLException {
        var connection = statement.getConnection();
        var lanes = places.stream().map(Place::lane).toArray(Integer[]::new);
        var seqs = places.stream().map(Place::seq).toArray(Long[]::new);
        statement.setArray(first, connection.createArrayOf("int4", lanes));
        statement.setArray(first + 1, connection.createArrayOf("int8", seqs));
    }

    /**
     * Keeps a row that Kafka does not take out of the drain's way, with the reason.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now; then to be called again
     */
    public void fail(Place place, String why) {
        requests.call("marking a record of the spool", connection -> {
            try (var fail = connection.prepareStatement(FAIL)) {
                fail.setString(1, why);
                fail.setInt(2, place.lane());
                fail.setLong(3, place.seq());
                return fail.executeUpdate();
            }
        });
    }
}

package dev.sluice.store.node;

import dev.sluice.config.StoreConfig;
import dev.sluice.store.Rows;
import dev.sluice.store.Transaction;
import dev.sluice.store.session.LostConnections;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Array;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.ObjLongConsumer;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/**
 * Does what runs of gateways that died could not do themselves: ends their connections in the rows of their sessions, makes their wills due,
 * and frees what they held. In small transactions, each under the lock of the dead one's row, so that any number of gateways may bury at
 * once and one goes on where another has stopped. Blocks; any virtual thread may use it.
 */
@ApplicationScoped
public class Burial {
    private static final Logger LOG = Logger.getLogger(Burial.class);

    /** When a lease ends only tells one renewal from the next: PostgreSQL's clock may be put forward or back. */
    private static final String SIGNS = """
            SELECT id, run, (extract(epoch FROM lease_until) * 1000000)::bigint FROM node
             WHERE id <> ? AND last_epoch IS NULL""";

    /**
     * From now on they cannot renew their leases, unless they just have. What they open in spite of that is found by {@link #FORGOTTEN}.
     */
    private static final String DECLARE = """
            UPDATE node SET last_epoch = nextval('session_epoch')
             WHERE id = ANY (ARRAY(
                SELECT n.id FROM node n JOIN unnest(?::text[], ?::bigint[], ?::bigint[]) AS s (id, run, lease_until)
                    ON n.id = s.id AND n.run = s.run AND (extract(epoch FROM n.lease_until) * 1000000)::bigint = s.lease_until
                 WHERE n.last_epoch IS NULL FOR UPDATE OF n SKIP LOCKED))
            RETURNING id, run""";

    private static final String DEAD =
            "SELECT id, run, last_epoch FROM node WHERE last_epoch IS NOT NULL ORDER BY last_epoch";

    private static final String LOCK =
            "SELECT run FROM node WHERE id = ? AND run = ? AND last_epoch IS NOT NULL FOR UPDATE SKIP LOCKED";

    /** Those that it was publishing; each half finds its wills by an index of its own. In the order in which others lock them. */
    private static final String RELEASE_WILLS = """
            UPDATE will SET leased_until = NULL, leased_by = NULL
             WHERE id = ANY (ARRAY(
                SELECT id FROM will
                 WHERE (due_at <= now() AND NOT delivered OR due_at <= now() AND delivered)
                   AND leased_by = ? AND leased_until IS NOT NULL
                 ORDER BY id FOR UPDATE))""";

    private static final String RELEASE_SPOOL = "DELETE FROM spool_holder WHERE node = ?";

    /**
     * Names that sessions say they are connected to, and that no gateway bears: of a version that had no row, or of one that opened a session
     * after it had been declared dead. One that still writes is left alone.
     */
    private static final String FORGOTTEN = """
            WITH RECURSIVE name AS (
                (SELECT node AS id FROM session WHERE connected ORDER BY node LIMIT 1)
                UNION ALL
                SELECT (SELECT s.node FROM session s WHERE s.connected AND s.node > n.id ORDER BY s.node LIMIT 1)
                  FROM name n WHERE n.id IS NOT NULL)
            INSERT INTO node (id, run, lease_until, started_at, last_epoch)
            SELECT n.id, 0, now(), now(), nextval('session_epoch') FROM name n
             WHERE n.id <> '' AND NOT EXISTS (SELECT FROM node d WHERE d.id = n.id)
               AND NOT EXISTS (SELECT FROM lane l WHERE l.node = n.id AND l.written_at > now() - ? * interval '1 millisecond')
            ON CONFLICT DO NOTHING RETURNING id""";

    private static final String UNREGISTERED = """
            SELECT DISTINCT l.node FROM lane l
             WHERE l.written_at > now() - ? * interval '1 millisecond' AND l.node <> '' AND NOT EXISTS (SELECT FROM node n WHERE n.id = l.node)""";

    private final DataSource dataSource;
    private final int batch;
    private final Counter buried;

    public Burial(DataSource dataSource, StoreConfig config, MeterRegistry meters) {
        this.dataSource = dataSource;
        this.batch = config.sweepBatch();
        this.buried = Counter.builder("sluice.nodes.buried")
                .description("dead gateways whose sessions this one was the last to end")
                .register(meters);
    }

    /**
     * The last sign of life of a run that nobody has declared dead.
     *
     * @param leaseUntil in microseconds by PostgreSQL's clock; another one after each renewal
     */
    public record Sign(String id, long run, long leaseUntil) {}

    /** A run that is declared dead. */
    private record Dead(String id, long run, long lastEpoch) {}

    /** What a transaction has done for a dead one; {@code ended} is -1 if somebody else was at it. */
    private record Step(int ended, int left) {
        static final Step ELSEWHERE = new Step(-1, 0);
    }

    /** Asks for the signs of life of all gateways but one. */
    public List<Sign> signs(String except) throws SQLException {
        return Transaction.run(dataSource, connection -> {
            try (var signs = connection.prepareStatement(SIGNS)) {
                signs.setString(1, except);
                var found = new ArrayList<Sign>();
                try (var rows = signs.executeQuery()) {
                    while (rows.next()) found.add(new Sign(rows.getString(1), rows.getLong(2), rows.getLong(3)));
                }
                return found;
            }
        });
    }

    /**
     * Declares those dead who have given no other sign of life than these, and ends what all the dead have left.
     *
     * @param silent for at least a lease. Only a gateway that has renewed its own lease all the time may say so: after an outage of
     *     PostgreSQL nobody has
     * @param told is given each dead one that is not buried yet, before its connections end: it may live, and not know of it
     */
    public void buryDead(List<Sign> silent, ObjLongConsumer<String> told, BooleanSupplier stopped) throws SQLException {
        if (!silent.isEmpty())
            for (var why : Transaction.run(dataSource, connection -> declare(connection, silent))) LOG.warn(why);
        for (var dead : Transaction.run(dataSource, Burial::dead)) {
            if (stopped.getAsBoolean()) return;
            told.accept(dead.id, dead.run);
            bury(dead, stopped);
        }
    }

    private static List<String> declare(Connection connection, List<Sign> silent) throws SQLException {
        var declared = new ArrayList<String>();
        try (var declare = connection.prepareStatement(DECLARE)) {
            declare.setArray(1, array(connection, "text", silent.stream().map(Sign::id)));
            declare.setArray(2, array(connection, "int8", silent.stream().map(Sign::run)));
            declare.setArray(3, array(connection, "int8", silent.stream().map(Sign::leaseUntil)));
            try (var rows = declare.executeQuery()) {
                while (rows.next())
                    declared.add("gateway %s (run %d) has not renewed its lease, which is over: its sessions go offline"
                            .formatted(rows.getString(1), rows.getLong(2)));
            }
        }
        return declared;
    }

    private static Array array(Connection connection, String type, Stream<?> values) throws SQLException {
        return connection.createArrayOf(type, values.toArray());
    }

    private static List<Dead> dead(Connection connection) throws SQLException {
        var found = new ArrayList<Dead>();
        try (var dead = connection.prepareStatement(DEAD);
                var rows = dead.executeQuery()) {
            while (rows.next()) found.add(new Dead(rows.getString(1), rows.getLong(2), rows.getLong(3)));
        }
        return found;
    }

    private void bury(Dead dead, BooleanSupplier stopped) throws SQLException {
        var held = Transaction.run(dataSource, connection -> lock(connection, dead) && release(connection, dead.id));
        if (!held) return;
        var lost = new LostConnections(dead.id, dead.lastEpoch, batch);
        var total = 0;
        Step step;
        do {
            step = Transaction.run(dataSource, connection -> step(connection, dead, lost));
            total += Math.max(0, step.ended);
        } while (step.ended == batch && !stopped.getAsBoolean());
        if (total > 0) LOG.infof("%d connections of gateway %s (run %d) ended", total, dead.id, dead.run);
        if (step.ended < 0 || step.ended == batch || step.left > 0) return;
        if (Transaction.run(dataSource, connection -> forget(connection, dead))) buried.increment();
    }

    /** Whether the row is still there, nobody bears the name again, and no other gateway is at it in this moment. */
    private static boolean lock(Connection connection, Dead dead) throws SQLException {
        try (var lock = connection.prepareStatement(LOCK)) {
            lock.setString(1, dead.id);
            lock.setLong(2, dead.run);
            return !Rows.longs(lock).isEmpty();
        }
    }

    private Step step(Connection connection, Dead dead, LostConnections lost) throws SQLException {
        if (!lock(connection, dead)) return Step.ELSEWHERE;
        var ended = lost.endSome(connection);
        return new Step(ended, ended < batch ? lost.left(connection) : 0);
    }

    private static boolean forget(Connection connection, Dead dead) throws SQLException {
        try (var forget = connection.prepareStatement("DELETE FROM node WHERE id = ? AND run = ? AND last_epoch = ?")) {
            forget.setString(1, dead.id);
            forget.setLong(2, dead.run);
            forget.setLong(3, dead.lastEpoch);
            return forget.executeUpdate() > 0;
        }
    }

    /** What runs of a name held of wills and of the spool: to be called before a later run of it holds anything. */
    public void release(String id) throws SQLException {
        Transaction.run(dataSource, connection -> release(connection, id));
    }

    private static boolean release(Connection connection, String id) throws SQLException {
        for (var sql : List.of(RELEASE_WILLS, RELEASE_SPOOL)) {
            try (var release = connection.prepareStatement(sql)) {
                release.setString(1, id);
                release.executeUpdate();
            }
        }
        return true;
    }

    /**
     * What a pass has done.
     *
     * @param ended connections
     * @param locked those that it found, and could not end, as far as it counted them
     */
    public record Pass(int ended, int locked) {}

    /** Ends the connections of runs of a name whose epochs go up to this one, while a later run of it may open sessions. */
    public Pass endEarlier(String id, long lastEpoch, BooleanSupplier stopped) throws SQLException {
        var lost = new LostConnections(id, lastEpoch, batch);
        var total = 0;
        int ended;
        do {
            ended = Transaction.run(dataSource, lost::endSome);
            total += ended;
        } while (ended == batch && !stopped.getAsBoolean());
        return new Pass(total, Transaction.run(dataSource, lost::left));
    }

    /**
     * Declares the bearers of names dead that sessions have and no row.
     *
     * @param quiet for so long they have written nothing
     */
    public void declareForgotten(Duration quiet) throws SQLException {
        var names = names(FORGOTTEN, quiet);
        for (var name : names) LOG.warnf("no gateway %s runs, and sessions are connected to it: they go offline", name);
    }

    /** Names of gateways that have written lately and have no row: of a version without them, or they have just left. */
    public List<String> unregistered(Duration lately) throws SQLException {
        return names(UNREGISTERED, lately);
    }

    private List<String> names(String sql, Duration time) throws SQLException {
        return Transaction.run(dataSource, connection -> {
            try (var statement = connection.prepareStatement(sql)) {
                statement.setLong(1, time.toMillis());
                var found = new ArrayList<String>();
                try (var rows = statement.executeQuery()) {
                    while (rows.next()) found.add(rows.getString(1));
                }
                return found;
            }
        });
    }
}

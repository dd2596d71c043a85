package dev.sluice.store.session;

import dev.sluice.store.Rows;
import dev.sluice.store.Transaction;
import java.sql.Array;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;

/**
 * Ends the connections that earlier runs of a node left in their rows when they were killed, as if they had been lost now, their wills
 * included. Confined to one thread at a time, on which it blocks.
 *
 * <p>What an earlier run left is told from what this run opens by its epoch: the sequence goes on from run to run. So sessions may be opened
 * meanwhile, and a row that somebody has locked is ended later.
 */
final class LostConnections {
    /** So long a COMMIT of a killed run may be under way, of which nobody sees the row. */
    private static final Duration UNDER_WAY = Duration.ofMinutes(1);

    private static final String LOCK = """
            SELECT epoch, id FROM session WHERE node = ? AND connected AND epoch > ? AND epoch <= ?
             ORDER BY epoch LIMIT ? FOR NO KEY UPDATE SKIP LOCKED""";

    /**
     * What the connections had sent is not known: it is at most what their quotas let them have unanswered. A statement of its own, as it has
     * to see what was passed over before the rows were locked.
     */
    private static final String END = """
            WITH lost AS (
                UPDATE session
                   SET connected = false, disconnected_at = now(), last_disconnect_reason = NULL,
                       expires_at = CASE WHEN expiry_seconds < 4294967295
                           THEN now() + expiry_seconds * interval '1 second' END
                 WHERE id = ANY (?)
                RETURNING id, client_id, expiry_seconds, send_quota),
            sent AS (
                UPDATE queue_out o SET sent_seq = greatest(o.sent_seq, (
                    SELECT max(u.seq) FROM (SELECT r.seq FROM queued r WHERE r.session_id = l.id AND NOT r.received
                                             ORDER BY r.seq LIMIT l.send_quota) u))
                  FROM lost l WHERE o.session_id = l.id),
            passed_over AS (
                INSERT INTO left_queue SELECT l.id FROM lost l
                 WHERE EXISTS (SELECT FROM queued q WHERE q.session_id = l.id AND q.passed_over)
                ON CONFLICT DO NOTHING),
            due AS (
                UPDATE will w SET due_at = now() + least(w.delay_seconds, l.expiry_seconds) * interval '1 second'
                  FROM lost l WHERE w.client_id = l.client_id AND w.due_at IS NULL)
            SELECT count(*) FROM lost""";

    private static final String LEFT =
            "SELECT count(*) FROM (SELECT FROM session WHERE node = ? AND connected AND epoch <= ? LIMIT ?) s";

    private final DataSource dataSource;
    private final String node;
    private final int batch;
    private final long lastEpoch;
    private final long begun = System.nanoTime();

    private LostConnections(DataSource dataSource, String node, int batch, long lastEpoch) {
        this.dataSource = dataSource;
        this.node = node;
        this.batch = batch;
        this.lastEpoch = lastEpoch;
    }

    /** What runs of the node before this moment have left. */
    static LostConnections upToNow(DataSource dataSource, String node, int batch) throws SQLException {
        var epoch = Transaction.run(dataSource, connection -> {
            try (var next = connection.prepareStatement("SELECT nextval('session_epoch')")) {
                return Rows.longs(next).getFirst();
            }
        });
        return new LostConnections(dataSource, node, batch, epoch);
    }

    /**
     * What a pass has done.
     *
     * @param ended connections
     * @param locked those that it found, and could not end, as far as it counted them
     */
    record Pass(int ended, int locked) {}

    /** Ends all whose rows nobody has locked, in small transactions. */
    Pass end(BooleanSupplier stopped) throws SQLException {
        var total = 0;
        var page = new Page(List.of(), 0);
        do {
            var after = page.last();
            page = Transaction.run(dataSource, connection -> end(connection, after));
            total += page.ids().size();
        } while (page.ids().size() == batch && !stopped.getAsBoolean());
        return new Pass(total, left());
    }

    /** Whether no row is left that a further pass could find. */
    boolean isOver(Pass pass) {
        return pass.locked() == 0 && System.nanoTime() - begun > UNDER_WAY.toNanos();
    }

    private record Page(List<Long> ids, long last) {}

    private Page end(Connection connection, long after) throws SQLException {
        var page = lock(connection, after);
        if (page.ids().isEmpty()) return page;
        try (var end = connection.prepareStatement(END)) {
            Array ids = connection.createArrayOf("int8", page.ids().toArray());
            end.setArray(1, ids);
            end.executeQuery().close();
        }
        return page;
    }

    private Page lock(Connection connection, long after) throws SQLException {
        try (var lock = connection.prepareStatement(LOCK)) {
            lock.setString(1, node);
            lock.setLong(2, after);
            lock.setLong(3, lastEpoch);
            lock.setInt(4, batch);
            var ids = new ArrayList<Long>();
            var last = after;
            try (var rows = lock.executeQuery()) {
                while (rows.next()) {
                    last = rows.getLong("epoch");
                    ids.add(rows.getLong("id"));
                }
            }
            return new Page(ids, last);
        }
    }

    private int left() throws SQLException {
        return Transaction.run(dataSource, connection -> {
            try (var left = connection.prepareStatement(LEFT)) {
                left.setString(1, node);
                left.setLong(2, lastEpoch);
                left.setInt(3, batch);
                return Rows.longs(left).getFirst().intValue();
            }
        });
    }
}

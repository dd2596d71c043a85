package dev.sluice.store.session;

import dev.sluice.store.Rows;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Ends the connections that runs of a gateway left in their rows when they died, as if they had been lost now, their wills included. Confined
 * to one thread at a time, on which it blocks.
 *
 * <p>What they left is told from what a later run opens by its epoch: the sequence goes on from run to run. So sessions may be opened
 * meanwhile, and a row that somebody has locked is ended later.
 */
public final class LostConnections {
    private static final String LOCK = """
            SELECT epoch, id FROM session WHERE node = ? AND connected AND epoch > ? AND epoch <= ?
             ORDER BY epoch LIMIT ? FOR NO KEY UPDATE SKIP LOCKED""";

    /**
     * What the connections had sent is not known, except how far at most. A statement of its own, as it has to see what was passed over
     * before the rows were locked. The new epoch fences what a run that was only frozen has not committed yet: the
     * will comes after all that its client has published.
     */
    private static final String END = """
            WITH lost AS (
                UPDATE session
                   SET epoch = nextval('session_epoch'), connected = false, disconnected_at = now(), last_disconnect_reason = NULL,
                       expires_at = CASE WHEN expiry_seconds < 4294967295
                           THEN now() + expiry_seconds * interval '1 second' END
                 WHERE id = ANY (?)
                RETURNING id, client_id, expiry_seconds, send_quota),
            sent AS (
                UPDATE queue_out o SET sent_seq = greatest(o.sent_seq, sent_at_most(l.id, l.send_quota))
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

    private final String node;
    private final long lastEpoch;
    private final int batch;
    /** Up to this epoch it has been through them. */
    private long passed;

    /**
     * @param node name of the gateway
     * @param lastEpoch what these runs have opened has an epoch up to this one, and nothing else of that name has
     */
    public LostConnections(String node, long lastEpoch, int batch) {
        this.node = node;
        this.lastEpoch = lastEpoch;
        this.batch = batch;
    }

    /** Ends the next ones whose rows nobody has locked, a batch at most; returns how many: fewer than a batch at the end of a pass. */
    public int endSome(Connection connection) throws SQLException {
        var page = lock(connection);
        if (!page.isEmpty()) {
            try (var end = connection.prepareStatement(END)) {
                end.setArray(1, connection.createArrayOf("int8", page.toArray()));
                end.executeQuery().close();
            }
        }
        if (page.size() < batch) passed = 0;
        return page.size();
    }

    private List<Long> lock(Connection connection) throws SQLException {
        try (var lock = connection.prepareStatement(LOCK)) {
            lock.setString(1, node);
            lock.setLong(2, passed);
            lock.setLong(3, lastEpoch);
            lock.setInt(4, batch);
            var ids = new ArrayList<Long>();
            try (var rows = lock.executeQuery()) {
                while (rows.next()) {
                    passed = rows.getLong("epoch");
                    ids.add(rows.getLong("id"));
                }
            }
            return ids;
        }
    }

    /** How many are left, counted up to a batch: their rows were locked. */
    public int left(Connection connection) throws SQLException {
        try (var left = connection.prepareStatement(LEFT)) {
            left.setString(1, node);
            left.setLong(2, lastEpoch);
            left.setInt(3, batch);
            return Rows.longs(left).getFirst().intValue();
        }
    }
}

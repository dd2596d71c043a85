package dev.sluice.store.delivery;

import dev.sluice.store.Rows;
import dev.sluice.store.Transaction;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.List;
import javax.sql.DataSource;

/**
 * Deletes queued messages that have expired. Confined to the sweep's thread.
 *
 * <p>They are deleted only where nobody can be about to send them, that is of sessions without a connection, and only those that were not
 * sent before; the others are for the session to drop. Such a one is looked at once, and marked as passed over. When the connection of its
 * session ends, whoever writes that puts the session on a worklist.
 */
final class QueueExpiry {
    private static final int LEFT_AT_ONCE = 100;

    /** A session is judged while nobody can open or close it; one that somebody has locked is judged by the next sweep. */
    private static final String DUE = """
            WITH due AS MATERIALIZED (
                SELECT expires_at, session_id, seq FROM queued
                 WHERE expires_at <= now() AND NOT passed_over AND (expires_at, session_id, seq) > (?, ?, ?)
                 ORDER BY expires_at, session_id, seq LIMIT ?),
            held AS MATERIALIZED (
                SELECT s.id, s.connected FROM session s WHERE s.id IN (SELECT session_id FROM due)
                   FOR NO KEY UPDATE SKIP LOCKED),
            judged AS MATERIALIZED (
                SELECT d.session_id, d.seq,
                       d.session_id = ANY (ARRAY(SELECT id FROM held WHERE NOT connected)) AND d.seq > o.sent_seq AS ends
                  FROM due d JOIN queue_out o ON o.session_id = d.session_id
                 WHERE d.session_id = ANY (ARRAY(SELECT id FROM held))
                UNION ALL
                SELECT d.session_id, d.seq, false FROM due d
                 WHERE NOT EXISTS (SELECT FROM session s WHERE s.id = d.session_id)),
            gone AS (
                DELETE FROM queued q USING judged j WHERE j.ends AND q.session_id = j.session_id AND q.seq = j.seq
                RETURNING q.session_id, q.bytes, q.message_id),
            counted AS (
                UPDATE queue_out o SET count_out = o.count_out + g.count, bytes_out = o.bytes_out + g.bytes
                  FROM (SELECT session_id, count(*) AS count, sum(bytes) AS bytes FROM gone GROUP BY session_id) g
                 WHERE o.session_id = g.session_id),
            kept AS MATERIALIZED (
                SELECT q.session_id, q.seq FROM judged j JOIN queued q ON q.session_id = j.session_id AND q.seq = j.seq
                 WHERE NOT j.ends FOR NO KEY UPDATE OF q SKIP LOCKED),
            passed AS (
                UPDATE queued q SET passed_over = true FROM kept k WHERE q.session_id = k.session_id AND q.seq = k.seq)
            SELECT d.*, (SELECT count(*) FROM due) AS found, (SELECT count(*) FROM gone) AS deleted,
                   (SELECT array_agg(DISTINCT message_id) FILTER (WHERE message_id IS NOT NULL) FROM gone) AS messages
              FROM due d ORDER BY d.expires_at DESC, d.session_id DESC, d.seq DESC LIMIT 1""";

    /** Takes a session off the list only while nobody can close it: who does puts it on again. */
    private static final String LEFT = """
            WITH listed AS MATERIALIZED (
                SELECT session_id FROM left_queue WHERE session_id > ? ORDER BY session_id LIMIT ? FOR UPDATE SKIP LOCKED),
            held AS MATERIALIZED (
                SELECT s.id, s.connected FROM session s WHERE s.id IN (SELECT session_id FROM listed)
                   FOR NO KEY UPDATE SKIP LOCKED),
            due AS MATERIALIZED (
                SELECT r.* FROM queue_out o CROSS JOIN LATERAL (
                    SELECT q.session_id, q.seq FROM queued q
                     WHERE q.session_id = o.session_id AND q.passed_over AND q.seq > o.sent_seq ORDER BY q.seq LIMIT ?) r
                 WHERE o.session_id = ANY (ARRAY(SELECT id FROM held WHERE NOT connected)) LIMIT ?),
            gone AS (
                DELETE FROM queued q USING due d WHERE q.session_id = d.session_id AND q.seq = d.seq
                RETURNING q.session_id, q.bytes, q.message_id),
            counted AS (
                UPDATE queue_out o SET count_out = o.count_out + g.count, bytes_out = o.bytes_out + g.bytes
                  FROM (SELECT session_id, count(*) AS count, sum(bytes) AS bytes FROM gone GROUP BY session_id) g
                 WHERE o.session_id = g.session_id),
            done AS (
                DELETE FROM left_queue l USING listed t
                 WHERE l.session_id = t.session_id AND (SELECT count(*) FROM due) < ?
                   AND (l.session_id = ANY (ARRAY(SELECT id FROM held))
                        OR NOT EXISTS (SELECT FROM session s WHERE s.id = l.session_id)))
            SELECT max(session_id) AS last, count(*) AS found, (SELECT count(*) FROM gone) AS deleted,
                   (SELECT array_agg(DISTINCT message_id) FILTER (WHERE message_id IS NOT NULL) FROM gone) AS messages
              FROM listed""";

    private final DataSource dataSource;
    private final Orphans orphans;
    private final int batch;
    private final Counter expired;

    QueueExpiry(DataSource dataSource, Orphans orphans, int batch, MeterRegistry meters) {
        this.dataSource = dataSource;
        this.orphans = orphans;
        this.batch = batch;
        this.expired = Counter.builder("sluice.queue.expired")
                .description("messages that expired in the queues of sessions without a connection")
                .register(meters);
    }

    /** Where the next messages that are due begin: behind this entry of the index. */
    private record Place(Timestamp expiresAt, long session, long seq) {
        static final Place START = new Place(new Timestamp(0), 0, 0);
    }

    /** What one transaction has done; {@code found} are messages that were due, or sessions on the list. */
    private record Step<P>(P last, int found, int deleted, List<Long> messages) {}

    /** Blocking: returns how many it has deleted. */
    int expire() throws SQLException {
        return expireLeft() + expireDue();
    }

    private int expireDue() throws SQLException {
        var total = 0;
        var step = new Step<>(Place.START, 0, 0, List.of());
        do {
            var after = step.last();
            step = Transaction.run(dataSource, connection -> due(connection, after));
            total += take(step);
        } while (step.found() == batch);
        return total;
    }

    private int expireLeft() throws SQLException {
        var total = 0;
        var step = new Step<>(0L, 0, 0, List.of());
        do {
            // A batch that was full may have left some of the same sessions.
            var after = step.deleted() == batch ? 0 : step.last();
            step = Transaction.run(dataSource, connection -> left(connection, after));
            total += take(step);
        } while (step.found() == LEFT_AT_ONCE || step.deleted() == batch);
        return total;
    }

    private int take(Step<?> step) {
        orphans.suspect(step.messages());
        expired.increment(step.deleted());
        return step.deleted();
    }

    private Step<Place> due(Connection connection, Place after) throws SQLException {
        try (var expire = connection.prepareStatement(DUE)) {
            expire.setTimestamp(1, after.expiresAt());
            expire.setLong(2, after.session());
            expire.setLong(3, after.seq());
            expire.setInt(4, batch);
            try (var row = expire.executeQuery()) {
                if (!row.next()) return new Step<>(after, 0, 0, List.of());
                return step(
                        row, new Place(row.getTimestamp("expires_at"), row.getLong("session_id"), row.getLong("seq")));
            }
        }
    }

    private Step<Long> left(Connection connection, long after) throws SQLException {
        try (var expire = connection.prepareStatement(LEFT)) {
            expire.setLong(1, after);
            expire.setInt(2, LEFT_AT_ONCE);
            expire.setInt(3, batch);
            expire.setInt(4, batch);
            expire.setInt(5, batch);
            try (var row = expire.executeQuery()) {
                row.next();
                return step(row, row.getLong("last"));
            }
        }
    }

    private static <P> Step<P> step(ResultSet row, P last) throws SQLException {
        return new Step<>(last, row.getInt("found"), row.getInt("deleted"), Rows.array(row, "messages"));
    }
}

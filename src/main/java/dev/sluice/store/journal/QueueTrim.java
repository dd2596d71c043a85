package dev.sluice.store.journal;

import dev.sluice.store.Rows;
import dev.sluice.store.Transaction;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;

/**
 * Pushes the oldest messages out of a queue that is above its bounds, in small transactions of their own; on the thread of the lane whose
 * batch made it so. Stateless.
 */
final class QueueTrim {
    private static final int ROWS = 1000;

    /**
     * Never waits for rows, since who acknowledges one of them may wait for a row that this lane's next batch holds. Not those of QoS 2
     * that may have been sent: nobody knows what is sent while the session is connected.
     */
    private static final String TRIM = """
            WITH full_queue AS MATERIALIZED (
                SELECT q.session_id, q.count_in - o.count_out - least(s.queue_count, ?) AS excess,
                       q.bytes_in - o.bytes_out - least(s.queue_bytes, ?) AS excess_bytes,
                       s.connected, o.sent_seq
                  FROM queue q JOIN queue_out o ON o.session_id = q.session_id JOIN session s ON s.id = q.session_id
                 WHERE q.session_id = ? FOR NO KEY UPDATE OF q),
            oldest AS (
                SELECT r.seq, r.bytes, row_number() OVER (ORDER BY r.seq) AS place, sum(r.bytes) OVER (ORDER BY r.seq) AS upto
                  FROM full_queue f CROSS JOIN LATERAL (
                      SELECT r.seq, r.bytes FROM queued r
                       WHERE r.session_id = f.session_id AND (r.qos = 1 OR NOT f.connected AND r.seq > f.sent_seq)
                       ORDER BY r.seq LIMIT ? FOR UPDATE SKIP LOCKED) r),
            gone AS (
                DELETE FROM queued r USING full_queue f, oldest l
                 WHERE r.session_id = f.session_id AND r.seq = l.seq
                   AND (l.place <= f.excess OR l.upto - l.bytes < f.excess_bytes)
                RETURNING r.bytes, r.message_id),
            counted AS (
                UPDATE queue q SET count_in = q.count_in - g.count, bytes_in = q.bytes_in - g.bytes
                  FROM full_queue f, (SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM gone) g
                 WHERE q.session_id = f.session_id)
            SELECT count(*) AS count, array_agg(DISTINCT message_id) FILTER (WHERE message_id IS NOT NULL) AS messages FROM gone""";

    private QueueTrim() {}

    /** @param orphans messages that may have lost their last copy */
    record Trimmed(int count, List<Long> orphans) {
        boolean mayGoOn() {
            return count == ROWS;
        }
    }

    /** Pushes out one transaction's worth. */
    static Trimmed trim(DataSource dataSource, long sessionId, QueueBounds bounds) throws SQLException {
        return Transaction.run(dataSource, connection -> trim(connection, sessionId, bounds));
    }

    private static Trimmed trim(Connection connection, long sessionId, QueueBounds bounds) throws SQLException {
        try (var trim = connection.prepareStatement(TRIM)) {
            trim.setLong(1, bounds.count());
            trim.setLong(2, bounds.bytes());
            trim.setLong(3, sessionId);
            trim.setInt(4, ROWS);
            try (var rows = trim.executeQuery()) {
                rows.next();
                return new Trimmed(rows.getInt("count"), Rows.array(rows, "messages"));
            }
        }
    }
}

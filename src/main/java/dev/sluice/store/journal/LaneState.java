package dev.sluice.store.journal;

import dev.sluice.store.NodeRun;
import dev.sluice.store.Rows;
import dev.sluice.store.journal.JournalStatement.Column;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What a lane keeps from batch to batch, and its row in PostgreSQL, which each batch rewrites: when the connection breaks during a commit,
 * the row tells what became of it. Confined to the lane's thread.
 */
final class LaneState {
    private static final String COMMITTING = """
            INSERT INTO lane AS l (id, batch, node, written_at)
            SELECT w.*, now() FROM unnest(?::bigint[], ?::bigint[], ?::text[]) AS w(id, batch, node)
            ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, written_at = excluded.written_at""";

    /** Waits for the transaction in doubt, if it still runs; a plain read would not see its row. */
    private static final String COMMITTED = """
            INSERT INTO lane AS l (id, batch, node, written_at) VALUES (?, 0, ?, now())
            ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at
            RETURNING l.batch""";

    private static final String LIVING = "SELECT run FROM node WHERE id = ? AND last_epoch IS NULL";

    /** Not that of an earlier run of this node, whose row may still be there. */
    private final long id = ThreadLocalRandom.current().nextLong(Long.MAX_VALUE);

    private final String node;
    private final QueueBounds bounds;
    private final MessageNumbers numbers = new MessageNumbers();
    private long batches;

    LaneState(String node, QueueBounds bounds) {
        this.node = node;
        this.bounds = bounds;
    }

    long id() {
        return id;
    }

    String node() {
        return node;
    }

    QueueBounds bounds() {
        return bounds;
    }

    MessageNumbers numbers() {
        return numbers;
    }

    long nextBatch() {
        return ++batches;
    }

    /** The statement by which a batch leaves its number. */
    JournalStatement committing(long batch) {
        var one = List.of(this);
        return new JournalStatement(
                COMMITTING,
                List.of(
                        Column.longs(one, it -> it.id),
                        Column.longs(one, _ -> batch),
                        Column.texts(one, it -> it.node)));
    }

    /** The statement that fails with a batch of writes that were begun in a run that is dead. */
    JournalStatement alive(long since) {
        var one = List.of(this);
        return new JournalStatement(
                NodeRun.ALIVE, List.of(Column.texts(one, it -> it.node), Column.longs(one, _ -> since)));
    }

    /** The run of this gateway that nobody has declared dead, above all numbers if there is none: what was begun before it is not written. */
    long living(Connection connection) throws SQLException {
        try (var ask = connection.prepareStatement(LIVING)) {
            ask.setString(1, node);
            var runs = Rows.longs(ask);
            return runs.isEmpty() ? Long.MAX_VALUE : runs.getFirst();
        }
    }

    /** The number of the last batch that was committed. */
    long lastCommitted(Connection connection) throws SQLException {
        try (var ask = connection.prepareStatement(COMMITTED)) {
            ask.setLong(1, id);
            ask.setString(2, node);
            try (var rows = ask.executeQuery()) {
                rows.next();
                return rows.getLong(1);
            }
        }
    }
}

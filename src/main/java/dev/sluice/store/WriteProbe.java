package dev.sluice.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Owns one row of this process, which is rewritten to find out whether PostgreSQL takes writes: a server that is read-only, that lacks room
 * or that waits for a standby answers every read. One call at a time.
 */
final class WriteProbe implements Transaction.Work<WriteProbe.Answer> {
    private static final String WRITE = """
            INSERT INTO lane AS l (id, batch, node, written_at) VALUES (?, 0, ?, now())
            ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at
            RETURNING pg_postmaster_start_time(), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint""";

    private final long row = ThreadLocalRandom.current().nextLong(Long.MAX_VALUE);
    private final String node;

    WriteProbe(String node) {
        this.node = node;
    }

    /**
     * What the server says.
     *
     * @param server what tells it, in this run of it, from every other
     * @param micros its time, in microseconds since 1970
     */
    record Answer(String server, long micros) {}

    @Override
    public Answer on(Connection connection) throws SQLException {
        try (var write = connection.prepareStatement(WRITE)) {
            write.setLong(1, row);
            write.setString(2, node);
            try (var answer = write.executeQuery()) {
                answer.next();
                return new Answer(answer.getString(1), answer.getLong(2));
            }
        }
    }
}

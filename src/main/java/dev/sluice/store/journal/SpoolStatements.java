package dev.sluice.store.journal;

import dev.sluice.store.Rows;
import dev.sluice.store.journal.JournalStatement.Column;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** The journal's SQL about the spool. Stateless. */
final class SpoolStatements {
    private static final String DRAW = "SELECT nextval('spool_seq') FROM generate_series(1, ?)";

    private static final String SPOOL = """
            INSERT INTO spool (lane, seq, holder, client_id, kafka_topic, kafka_partition, key, headers, value, record_at, bytes)
            SELECT w.* FROM unnest(?::integer[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::integer[], ?::bytea[],
                                   ?::bytea[], ?::bytea[], ?::bigint[], ?::integer[]) w""";

    private static final String COUNT = """
            INSERT INTO spool_count AS c SELECT w.* FROM unnest(?::bigint[], ?::bigint[], ?::bigint[]) w
            ON CONFLICT (writer) DO UPDATE SET rows = c.rows + excluded.rows, bytes = c.bytes + excluded.bytes""";

    private SpoolStatements() {}

    /**
     * Rows in the order of their places, which are drawn now: of a client's rows, which one lane of one journal writes, a later one has the
     * higher place.
     *
     * @param writer whose counter it is
     */
    static List<JournalStatement> spool(Connection connection, List<SpoolRow> rows, long writer) throws SQLException {
        place(connection, rows);
        var spool = new JournalStatement(
                SPOOL,
                List.of(
                        Column.integers(rows, SpoolRow::lane),
                        Column.longs(rows, SpoolRow::seq),
                        Column.longs(rows, SpoolRow::holder),
                        Column.texts(rows, SpoolRow::clientId),
                        Column.texts(rows, SpoolRow::kafkaTopic),
                        Column.integers(rows, SpoolRow::partition),
                        Column.binaries(rows, SpoolRow::key),
                        Column.binaries(rows, SpoolRow::headers),
                        Column.binaries(rows, SpoolRow::value),
                        Column.longs(rows, SpoolRow::recordAt),
                        Column.integers(rows, SpoolRow::bytes)));
        var one = List.of(writer);
        var count = new JournalStatement(
                COUNT,
                List.of(
                        Column.longs(one, it -> it),
                        Column.longs(one, _ -> (long) rows.size()),
                        Column.longs(
                                one,
                                _ -> rows.stream().mapToLong(SpoolRow::bytes).sum())));
        return List.of(spool, count);
    }

    private static void place(Connection connection, List<SpoolRow> rows) throws SQLException {
        try (var draw = connection.prepareStatement(DRAW)) {
            draw.setInt(1, rows.size());
            var numbers = Rows.longs(draw).iterator();
            for (var row : rows) row.at(numbers.next());
        }
    }
}

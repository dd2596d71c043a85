package dev.sluice.store.spool;

import dev.sluice.store.StoreCalls;
import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore.Page;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads one lane of the spool for the drain, and knows which keys are to be left alone: those of which another living gateway's producer has
 * an earlier record. Used by one thread at a time.
 */
final class SpoolReader {
    private static final String PAGE = """
            SELECT p.*, coalesce(p.holder = ?, false) AS ours, EXISTS (
                   SELECT FROM spool_holder h WHERE h.id = p.holder AND h.alive_until > now()) AS alive,
                   (SELECT max(seq) FROM spool WHERE lane = ?) AS newest
              FROM (SELECT q.*, count(*) OVER () AS found, sum(q.bytes) OVER (ORDER BY q.seq) AS upto
                      FROM (SELECT * FROM spool WHERE lane = ? AND seq > ? AND kafka_topic <> ALL (?)
                             ORDER BY seq LIMIT ?) q) p
             WHERE p.upto <= greatest(?, p.bytes)
             ORDER BY p.seq""";

    /** What is left alone can be much, for as long as another gateway's outage lasts, and is read again each time. */
    private static final int REST_SHARE = 10;

    private static final Duration LONGEST_REST = Duration.ofSeconds(5);

    private final int lane;
    private final long run;

    /** Of the rows from the front to the place that was read last. */
    private final Set<ByteBuffer> heldKeys = new HashSet<>();

    /**
     * The place at which to begin at the front again. When this reading began, there was none after it: what has a later place may follow
     * something that has been committed since, at a place that is passed.
     */
    private long newest;

    private boolean leftSome;
    private long readingNanos;
    private long restUntil = System.nanoTime();

    SpoolReader(int lane, long run) {
        this.lane = lane;
        this.run = run;
    }

    private record Row(SpoolRow row, boolean ours, boolean alive, long found, long newest) {}

    /** As {@link SpoolStore#page}. */
    Page page(StoreCalls requests, long after, int limit, long bytes, Set<String> leftOut) {
        var begun = System.nanoTime();
        var anew = after == 0 || after >= newest;
        if (anew && begun - restUntil < 0) return new Page(List.of(), false, true, 0, false);
        var from = anew ? 0 : after;
        var rows = requests.call("reading the spool", connection -> rows(connection, from, limit, bytes, leftOut));
        if (anew) begin(rows);
        var page = page(rows, anew, from, limit);
        var now = System.nanoTime();
        readingNanos += now - begun;
        if (leftSome && page.isOver()) restUntil = now + Math.min(REST_SHARE * readingNanos, LONGEST_REST.toNanos());
        return page;
    }

    private void begin(List<Row> rows) {
        heldKeys.clear();
        leftSome = false;
        readingNanos = 0;
        newest = rows.isEmpty() ? 0 : rows.getFirst().newest();
    }

    private List<Row> rows(Connection connection, long after, int limit, long bytes, Set<String> leftOut)
            throws SQLException {
        try (var page = connection.prepareStatement(PAGE)) {
            page.setLong(1, run);
            page.setInt(2, lane);
            page.setInt(3, lane);
            page.setLong(4, after);
            page.setArray(5, connection.createArrayOf("text", leftOut.toArray()));
            page.setInt(6, limit);
            page.setLong(7, bytes);
            var all = new ArrayList<Row>();
            try (var rows = page.executeQuery()) {
                while (rows.next())
                    all.add(new Row(
                            row(rows),
                            rows.getBoolean("ours"),
                            rows.getBoolean("alive"),
                            rows.getLong("found"),
                            rows.getLong("newest")));
            }
            return all;
        }
    }

    private Page page(List<Row> rows, boolean isFirst, long after, int limit) {
        var free = new ArrayList<SpoolRow>();
        for (var each : rows) {
            if (each.row().seq() > newest) return new Page(free, isFirst, true, newest, true);
            if (each.ours()) continue;
            if (each.alive()) heldKeys.add(key(each.row()));
            if (heldKeys.isEmpty() || !heldKeys.contains(key(each.row()))) free.add(each.row());
            else leftSome = true;
        }
        if (rows.isEmpty()) return new Page(free, isFirst, true, after, false);
        var found = rows.getLast().found();
        var last = rows.getLast().row().seq();
        var more = rows.size() < found || found == limit;
        return new Page(free, isFirst, !more || last >= newest, last, more);
    }

    /** As records are told apart where their order is kept. */
    private static ByteBuffer key(SpoolRow row) {
        return ByteBuffer.wrap(row.key() == null ? row.clientId().getBytes(StandardCharsets.UTF_8) : row.key());
    }

    private static SpoolRow row(ResultSet row) throws SQLException {
        return new SpoolRow(
                        row.getInt("lane"),
                        null,
                        row.getString("client_id"),
                        row.getString("kafka_topic"),
                        row.getObject("kafka_partition", Integer.class),
                        row.getBytes("key"),
                        row.getBytes("headers"),
                        row.getBytes("value"),
                        row.getLong("record_at"))
                .at(row.getLong("seq"));
    }
}

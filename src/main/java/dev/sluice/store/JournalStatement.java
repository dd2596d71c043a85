package dev.sluice.store;

import dev.sluice.store.JournalWrite.CloseSession;
import dev.sluice.store.JournalWrite.ForgetReceived;
import dev.sluice.store.JournalWrite.RememberReceived;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Function;

/**
 * One SQL statement for all writes of one kind, its parameters one array a column; immutable. It answers with the numbers of the writes,
 * from 1, whose epoch is the session's.
 *
 * <p>The row lock FOR SHARE is the fence: an open of the same session waits until this transaction ends, or this one waits for the open
 * and then sees its new epoch. Reading the epoch without the lock would let an open and a stale write pass each other.
 */
record JournalStatement(String sql, List<? extends JournalWrite> writes, List<Column> columns) {
    private static final String REMEMBER = """
            WITH mine AS (
                SELECT w.n, w.client_id, w.packet_id, w.message_id
                  FROM unnest(?::text[], ?::bigint[], ?::integer[], ?::text[]) WITH ORDINALITY
                       AS w(client_id, epoch, packet_id, message_id, n)
                  JOIN session s ON s.client_id = w.client_id AND s.epoch = w.epoch
                 ORDER BY w.client_id FOR SHARE OF s),
            done AS (
                INSERT INTO received (client_id, packet_id, message_id)
                SELECT client_id, packet_id, message_id FROM mine
                ON CONFLICT (client_id, packet_id) DO UPDATE SET message_id = excluded.message_id)
            SELECT n FROM mine""";

    private static final String FORGET = """
            WITH mine AS (
                SELECT w.n, w.client_id, w.packet_id
                  FROM unnest(?::text[], ?::bigint[], ?::integer[]) WITH ORDINALITY AS w(client_id, epoch, packet_id, n)
                  JOIN session s ON s.client_id = w.client_id AND s.epoch = w.epoch
                 ORDER BY w.client_id FOR SHARE OF s),
            done AS (
                DELETE FROM received r USING mine m WHERE r.client_id = m.client_id AND r.packet_id = m.packet_id)
            SELECT n FROM mine""";

    private static final String CLOSE = """
            WITH w AS (
                SELECT * FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::integer[]) WITH ORDINALITY
                       AS w(client_id, epoch, expiry_seconds, reason, n)),
            ended AS (
                DELETE FROM session s USING w
                 WHERE s.client_id = w.client_id AND s.epoch = w.epoch AND w.expiry_seconds = 0
                RETURNING w.n),
            kept AS (
                UPDATE session s
                   SET connected = false, disconnected_at = now(), last_disconnect_reason = w.reason,
                       expiry_seconds = w.expiry_seconds,
                       expires_at = CASE WHEN w.expiry_seconds < 4294967295
                           THEN now() + w.expiry_seconds * interval '1 second' END
                  FROM w
                 WHERE s.client_id = w.client_id AND s.epoch = w.epoch AND w.expiry_seconds <> 0
                RETURNING w.n)
            SELECT n FROM ended UNION ALL SELECT n FROM kept""";

    /** One parameter: the values of one column, of an SQL type. */
    record Column(String type, Object[] values) {}

    static JournalStatement remember(List<RememberReceived> writes) {
        return new JournalStatement(
                REMEMBER,
                writes,
                List.of(
                        clientIds(writes),
                        epochs(writes),
                        integers(writes, RememberReceived::packetId),
                        texts(writes, RememberReceived::messageId)));
    }

    static JournalStatement forget(List<ForgetReceived> writes) {
        return new JournalStatement(
                FORGET, writes, List.of(clientIds(writes), epochs(writes), integers(writes, ForgetReceived::packetId)));
    }

    static JournalStatement close(List<CloseSession> writes) {
        return new JournalStatement(
                CLOSE,
                writes,
                List.of(
                        clientIds(writes),
                        epochs(writes),
                        longs(writes, CloseSession::expirySeconds),
                        integers(writes, CloseSession::disconnectReason)));
    }

    /** Binds its columns from parameter {@code at} on; returns the next free one. */
    int bind(PreparedStatement statement, int at) throws SQLException {
        Connection connection = statement.getConnection();
        for (var column : columns) {
            statement.setArray(at++, connection.createArrayOf(column.type(), column.values()));
        }
        return at;
    }

    private static <W extends JournalWrite> Column clientIds(List<W> writes) {
        return texts(writes, JournalWrite::clientId);
    }

    private static <W extends JournalWrite> Column epochs(List<W> writes) {
        return longs(writes, JournalWrite::epoch);
    }

    private static <W extends JournalWrite> Column texts(List<W> writes, Function<? super W, String> value) {
        return new Column("text", writes.stream().map(value).toArray(String[]::new));
    }

    private static <W extends JournalWrite> Column longs(List<W> writes, Function<? super W, Long> value) {
        return new Column("int8", writes.stream().map(value).toArray(Long[]::new));
    }

    private static <W extends JournalWrite> Column integers(List<W> writes, Function<? super W, Integer> value) {
        return new Column("int4", writes.stream().map(value).toArray(Integer[]::new));
    }
}

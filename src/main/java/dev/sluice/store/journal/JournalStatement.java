package dev.sluice.store.journal;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Function;

/**
 * One SQL statement for all writes of one kind, its parameters one array a column; immutable.
 *
 * @param answer takes each row that the statement answers with; null for a statement without an answer
 */
record JournalStatement(String sql, List<Column> columns, Answer answer) {
    JournalStatement(String sql, List<Column> columns) {
        this(sql, columns, null);
    }

    /** Takes one row of an answer. */
    @FunctionalInterface
    interface Answer {
        void take(ResultSet row) throws SQLException;
    }

    /** One parameter: the values of one column, of an SQL type. */
    record Column(String type, Object[] values) {
        static <W> Column texts(List<W> writes, Function<? super W, String> value) {
            return new Column("text", fill(new String[writes.size()], writes, value));
        }

        static <W> Column longs(List<W> writes, Function<? super W, Long> value) {
            return new Column("int8", fill(new Long[writes.size()], writes, value));
        }

        static <W> Column integers(List<W> writes, Function<? super W, Integer> value) {
            return new Column("int4", fill(new Integer[writes.size()], writes, value));
        }

        static <W> Column booleans(List<W> writes, Function<? super W, Boolean> value) {
            return new Column("bool", fill(new Boolean[writes.size()], writes, value));
        }

        static <W> Column binaries(List<W> writes, Function<? super W, byte[]> value) {
            return new Column("bytea", fill(new byte[writes.size()][], writes, value));
        }

        private static <W, V> V[] fill(V[] values, List<W> writes, Function<? super W, V> value) {
            for (int i = 0; i < values.length; i++) values[i] = value.apply(writes.get(i));
            return values;
        }
    }

    /** Binds its columns from parameter {@code at} on; returns the next free one. */
    int bind(PreparedStatement statement, int at) throws SQLException {
        var connection = statement.getConnection();
        for (var column : columns) statement.setArray(at++, connection.createArrayOf(column.type(), column.values()));
        return at;
    }
}

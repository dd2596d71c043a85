package dev.sluice.store;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** How answers with numbers are read. Stateless. */
public final class Rows {
    private Rows() {}

    /** The first column of all rows of a query. */
    public static List<Long> longs(PreparedStatement query) throws SQLException {
        var numbers = new ArrayList<Long>();
        try (var rows = query.executeQuery()) {
            while (rows.next()) numbers.add(rows.getLong(1));
        }
        return numbers;
    }

    /** A column of type bigint[], empty for null. */
    public static List<Long> array(ResultSet row, String column) throws SQLException {
        var array = row.getArray(column);
        return array == null ? List.of() : List.of((Long[]) array.getArray());
    }
}

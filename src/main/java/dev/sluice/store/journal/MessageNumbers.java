package dev.sluice.store.journal;

import java.sql.Connection;
import java.sql.SQLException;

/** Numbers for rows of {@code message}, drawn from PostgreSQL in blocks; confined to its lane's thread. */
final class MessageNumbers {
    private static final int BLOCK = 1024;

    private long next;
    private long end;

    /** A number that nobody else has or will have; asks once a block. */
    long next(Connection connection) throws SQLException {
        if (next == end) {
            try (var draw = connection.prepareStatement("SELECT nextval('message_block')");
                    var rows = draw.executeQuery()) {
                rows.next();
                next = rows.getLong(1) * BLOCK;
                end = next + BLOCK;
            }
        }
        return next++;
    }
}

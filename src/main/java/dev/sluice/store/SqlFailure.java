package dev.sluice.store;

import java.sql.SQLException;

/** What an exception of the driver says about trying again; the two classes of SQLSTATE that matter here. */
public enum SqlFailure {
    /** The data itself: the same write will always fail. */
    REFUSAL,
    /** The connection is gone; the next one may be good. */
    CONNECTION,
    /** Anything else: a deadlock, a full disk, a standby that was just promoted, a missing table. Time or an operator mends it. */
    PASSING;

    public static SqlFailure of(SQLException exception) {
        var state = exception.getSQLState();
        if (state == null || state.length() != 5) return PASSING;
        return switch (state.substring(0, 2)) {
            // data exception, integrity constraint violation, program limit exceeded (an index entry too large)
            case "22", "23", "54" -> REFUSAL;
            case "08" -> CONNECTION;
            // operator intervention: shutdown and crash end the connection, a cancelled query does not
            case "57" -> state.startsWith("57P") ? CONNECTION : PASSING;
            default -> PASSING;
        };
    }
}

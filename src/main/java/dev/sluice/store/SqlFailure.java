package dev.sluice.store;

import java.sql.SQLException;
import java.util.Set;

/** What an exception says about trying again, by the classes of SQLSTATE that matter here. */
public enum SqlFailure {
    /** The data itself: the same write will always fail. */
    REFUSAL,
    /** The connection is of no use any more; the next one may be good. */
    CONNECTION,
    /** Rows that somebody else has locked for long: a gateway that is frozen, or cut off, whose transaction the server soon ends. */
    LOCKED,
    /** A bug, of ours, of the driver, of the server or of a trigger: the same write may meet it each time. */
    BUG,
    /** Anything else: a deadlock, a full disk, a missing table. Time or an operator mends it. */
    PASSING;

    private static final String READ_ONLY = "25006";
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    /** idle_in_transaction_session_timeout, transaction_timeout */
    private static final Set<String> OUT_OF_TIME = Set.of("25P03", "25P04");
    /** invalid statement name, duplicate prepared statement, protocol violation (parameters of another statement) */
    private static final Set<String> FOREIGN_STATEMENT = Set.of("26000", "42P05", "08P01");

    /** Whether the server takes no writes: a standby, or a primary that was told so. */
    static boolean isReadOnly(SQLException failure) {
        return READ_ONLY.equals(failure.getSQLState());
    }

    /** Whether a prepared statement is there that nobody has prepared on this connection, or is not, or is another one. */
    static boolean isOfAnotherConnection(SQLException failure) {
        return failure.getSQLState() instanceof String state && FOREIGN_STATEMENT.contains(state);
    }

    /** Whether the server has ended the connection, since a transaction took too long: nothing of that was committed. */
    static boolean isOutOfTime(SQLException failure) {
        return failure.getSQLState() instanceof String state && OUT_OF_TIME.contains(state);
    }

    public static SqlFailure of(Throwable failure) {
        if (!(failure instanceof SQLException exception)) return BUG;
        var state = exception.getSQLState();
        if (state == null || state.length() != 5) return PASSING;
        return switch (state.substring(0, 2)) {
            // data exception, integrity constraint violation, program limit exceeded (an index entry too large)
            case "22", "23", "54" -> REFUSAL;
            case "08" -> CONNECTION;
            case "25" -> state.equals(READ_ONLY) || OUT_OF_TIME.contains(state) ? CONNECTION : PASSING;
            case "55" -> state.equals(LOCK_NOT_AVAILABLE) ? LOCKED : PASSING;
            // operator intervention: shutdown and crash end the connection, a cancelled query does not
            case "57" -> state.startsWith("57P") ? CONNECTION : PASSING;
            // external routine exceptions, an error that PL/pgSQL raises, internal errors
            case "38", "39", "P0", "XX" -> BUG;
            default -> PASSING;
        };
    }
}

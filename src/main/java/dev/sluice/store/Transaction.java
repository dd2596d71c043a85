package dev.sluice.store;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.postgresql.jdbc.PgConnection;

/**
 * One JDBC transaction on the calling thread: committed when its work returns, rolled back when it throws.
 *
 * <p>COMMIT is a round trip of its own, on purpose. With autocommit, a statement that a frozen PostgreSQL finds in its socket
 * when it wakes up takes effect long after its sender gave up on it, retried it and wrote something newer.
 */
public final class Transaction {
    private Transaction() {}

    @FunctionalInterface
    public interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    public static <T> T run(DataSource dataSource, Work<T> work) throws SQLException {
        try (var connection = dataSource.getConnection()) {
            return run(connection, work);
        }
    }

    public static <T> T run(Connection connection, Work<T> work) throws SQLException {
        connection.setAutoCommit(false);
        try {
            var result = work.on(connection);
            connection.commit();
            return result;
        } catch (SQLException | RuntimeException | Error failure) {
            rollBack(connection, failure);
            if (failure instanceof SQLException answer
                    && (SqlFailure.isReadOnly(answer) || SqlFailure.isOutOfTime(answer))) giveUp(connection);
            throw failure;
        }
    }

    /**
     * Cuts a connection off from its server, so that the pool drops it when it comes back. The pool's own way to abort a connection would
     * keep its place in the pool taken for good.
     */
    public static void giveUp(Connection connection) throws SQLException {
        connection.unwrap(PgConnection.class).abort(Runnable::run);
    }

    /** Explicit, since giving the connection back switches autocommit on, and that commits. */
    private static void rollBack(Connection connection, Throwable failure) {
        try {
            connection.rollback();
        } catch (SQLException broken) {
            failure.addSuppressed(broken);
        }
    }
}

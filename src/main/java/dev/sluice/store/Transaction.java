package dev.sluice.store;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

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
        } catch (SQLException | RuntimeException failure) {
            rollBack(connection, failure);
            throw failure;
        }
    }

    /** Explicit, since giving the connection back switches autocommit on, and that commits. */
    private static void rollBack(Connection connection, Exception failure) {
        try {
            connection.rollback();
        } catch (SQLException broken) {
            failure.addSuppressed(broken);
        }
    }
}

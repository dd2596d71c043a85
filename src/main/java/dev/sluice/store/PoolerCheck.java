package dev.sluice.store;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

/**
 * Finds out whether there is a pooler between the gateway and PostgreSQL that gives each transaction another connection to the server. What
 * the gateway does once for a connection would be done on any: its settings, its prepared statements, LISTEN. Stateless.
 */
final class PoolerCheck {
    /** A pooler mostly gives what it got last, but others may come in between. */
    private static final int ROUNDS = 5;

    private PoolerCheck() {}

    /**
     * Blocking.
     *
     * @throws IllegalStateException when there is one
     */
    static void require(DataSource pool) throws SQLException {
        try (var one = pool.getConnection();
                var other = pool.getConnection()) {
            for (int i = 0; i < ROUNDS; i++) if (!isKept(one, other)) throw refusal(null);
        } catch (SQLException failure) {
            if (SqlFailure.isOfAnotherConnection(failure)) throw refusal(failure);
            throw failure;
        }
    }

    private static IllegalStateException refusal(SQLException cause) {
        return new IllegalStateException(
                "PostgreSQL is behind a pooler that gives each transaction another connection, as pgbouncer does with pool_mode=transaction."
                        + " Prepared statements, settings and notifications of the gateway would get lost."
                        + " Set pool_mode=session for its database, or let quarkus.datasource.jdbc.url lead to PostgreSQL itself.",
                cause);
    }

    /** Whether the server's process is still the same after another connection has had a transaction meanwhile. */
    private static boolean isKept(Connection one, Connection other) throws SQLException {
        var before = process(one);
        other.setAutoCommit(false);
        try {
            return process(other) != before && process(one) == before;
        } finally {
            other.rollback();
            other.setAutoCommit(true);
        }
    }

    private static int process(Connection connection) throws SQLException {
        try (var statement = connection.createStatement();
                var row = statement.executeQuery("SELECT pg_backend_pid()")) {
            row.next();
            return row.getInt(1);
        }
    }
}

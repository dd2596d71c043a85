package dev.sluice.support;

import java.sql.Connection;
import java.sql.SQLException;

/** Holds the lock of one session's row, so that whatever wants to write it waits; used by one thread. */
public final class HeldSession implements AutoCloseable {
    private final Connection connection;

    private HeldSession(Connection connection) {
        this.connection = connection;
    }

    /** @param clientId whose session is in PostgreSQL */
    public static HeldSession of(Gateway gateway, String clientId) throws SQLException {
        var connection = gateway.postgres();
        connection.setAutoCommit(false);
        try (var statement = connection.prepareStatement("SELECT 1 FROM session WHERE client_id = ? FOR UPDATE")) {
            statement.setString(1, clientId);
            if (!statement.executeQuery().next()) throw new AssertionError("no session of " + clientId);
        }
        return new HeldSession(connection);
    }

    /** How many wait for a lock in PostgreSQL now. */
    public int waiting() throws SQLException {
        try (var statement = connection.createStatement()) {
            var rows = statement.executeQuery("SELECT count(*) FROM pg_locks WHERE NOT granted");
            rows.next();
            return rows.getInt(1);
        }
    }

    @Override
    public void close() throws SQLException {
        try (connection) {
            connection.rollback();
        }
    }
}

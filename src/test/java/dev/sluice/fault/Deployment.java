package dev.sluice.fault;

import dev.sluice.dev.EmbeddedPostgresServer;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;

/** One gateway or several, with their Kafka and their PostgreSQL: where a test's clients connect, and what can be asked. */
interface Deployment {
    /** For clients. */
    int port();

    /** Of Kafka. */
    String bootstrap();

    String jdbcUrl();

    /** The sum of the metrics whose line begins like this. */
    double metric(String beginning);

    /** The lines of the gateways' logs that say this. */
    List<String> logged(String what);

    /** The first column of the first row that a query finds, as text; null when it finds none. */
    default String query(String sql, String... parameters) {
        try (var connection = DriverManager.getConnection(jdbcUrl(), EmbeddedPostgresServer.USER, "");
                var statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) statement.setString(i + 1, parameters[i]);
            var rows = statement.executeQuery();
            return rows.next() ? rows.getString(1) : null;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    default void execute(String sql) {
        try (var connection = DriverManager.getConnection(jdbcUrl(), EmbeddedPostgresServer.USER, "");
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}

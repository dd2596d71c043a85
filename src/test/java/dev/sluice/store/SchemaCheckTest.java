package dev.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A start on the schema of a later version. */
@Tag("postgres")
class SchemaCheckTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private static Flyway flyway(DataSource source) {
        return Flyway.configure()
                .dataSource(source)
                .locations("db/migrations")
                .ignoreMigrationPatterns("*:future")
                .load();
    }

    private static DataSource migrated(String name) {
        var source = SERVER.newDatabase(name);
        flyway(source).migrate();
        return source;
    }

    private static void execute(DataSource source, String sql) throws SQLException {
        try (var connection = source.getConnection();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void migrateFurther(DataSource source) throws SQLException {
        execute(source, """
                INSERT INTO flyway_schema_history
                SELECT installed_rank + 1, '998', description, type, 'V998__later.sql', checksum, installed_by, now(), 1, true
                  FROM flyway_schema_history ORDER BY installed_rank DESC LIMIT 1""");
    }

    @Test
    void aSchemaOfThisVersionIsNoNews() throws SQLException {
        var source = migrated("own");
        assertThat(SchemaCheck.laterVersion(flyway(source), source)).isEmpty();
    }

    @Test
    void oneThatOnlyHasMoreIsSaidAndTaken() throws SQLException {
        var source = migrated("more");
        migrateFurther(source);
        var flyway = flyway(source);
        flyway.migrate();
        assertThat(SchemaCheck.laterVersion(flyway, source))
                .hasValueSatisfying(it -> assertThat(it).contains("schema of a later version, V998"));
    }

    @Test
    void oneThatHasTakenAwaySomethingIsRefused() throws SQLException {
        var source = migrated("less");
        migrateFurther(source);
        execute(source, "UPDATE oldest_program SET migration = 997");
        assertThatThrownBy(() -> SchemaCheck.laterVersion(flyway(source), source))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("V997 is the least that runs on it");
    }
}

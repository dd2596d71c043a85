package dev.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * In a rolling upgrade, gateways of the version before work on the new schema, and one of them may have to start on it again. So a migration
 * adds, and takes away only what no version uses that may still run.
 */
@Tag("postgres")
class ExpandingMigrationsTest {
    /** Up to here, the next version came when the one before was gone. */
    private static final int ALONE = 19;

    private static final Pattern SAID = Pattern.compile("(?m)^-- Contracts: .*unused since \\d+\\.\\d+\\.\\d+");

    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    @Test
    void migrationsOnlyAdd() throws Exception {
        var source = SERVER.newDatabase("expanding");
        EmbeddedServer.migrate(source, Integer.toString(ALONE));
        var wrong = new ArrayList<String>();
        try (var connection = source.getConnection()) {
            var before = SchemaFacts.of(connection);
            var oldest = ALONE;
            for (int version : later()) {
                EmbeddedServer.migrate(source, Integer.toString(version));
                var after = SchemaFacts.of(connection);
                var contractions = before.contractions(after);
                var now = oldestProgram(source);
                if (!contractions.isEmpty() && !(isSaid(version) && now > oldest))
                    wrong.add("V" + version + ": " + contractions);
                before = after;
                oldest = now;
            }
        }
        assertThat(wrong)
                .as(
                        "takes away what the version before uses. Leave it there, or, once no version uses it that may still"
                                + " run, say so in the file (-- Contracts: …, unused since 1.2.3) and raise oldest_program")
                .isEmpty();
    }

    /** Those that are to add only, in their order. */
    private static List<Integer> later() throws SQLException {
        return Transaction.run(SERVER.dataSource(), connection -> {
            try (var select = connection.prepareStatement(
                    "SELECT version::int FROM flyway_schema_history WHERE version::int > ? ORDER BY 1")) {
                select.setInt(1, ALONE);
                return Rows.longs(select).stream().map(Long::intValue).toList();
            }
        });
    }

    private static int oldestProgram(DataSource source) throws SQLException {
        return Transaction.run(source, connection -> {
            try (var exists = connection.prepareStatement("SELECT 1 WHERE to_regclass('oldest_program') IS NOT NULL");
                    var select = connection.prepareStatement("SELECT migration FROM oldest_program")) {
                if (Rows.longs(exists).isEmpty()) return ALONE;
                return Rows.longs(select).getFirst().intValue();
            }
        });
    }

    private static boolean isSaid(int version) throws IOException {
        try (var files = Files.list(Path.of("db", "migrations"))) {
            var file = files.filter(it -> it.getFileName().toString().startsWith("V" + version + "__"))
                    .findFirst()
                    .orElseThrow();
            return SAID.matcher(Files.readString(file)).find();
        }
    }

    private static final String BASE = """
            CREATE TABLE t (a integer PRIMARY KEY, b text, c text NOT NULL DEFAULT '', d text UNIQUE);
            CREATE VIEW v AS SELECT a, b FROM t;
            CREATE SEQUENCE s;
            CREATE INDEX i ON t (b);
            CREATE FUNCTION f(x integer, y integer DEFAULT 1) RETURNS integer LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER r AFTER INSERT ON t EXECUTE FUNCTION g()""";

    private static List<String> contractions(String change) throws SQLException {
        try (var connection = SERVER.dataSource().getConnection();
                var statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            try {
                statement.execute(BASE);
                var before = SchemaFacts.of(connection);
                statement.execute(change);
                return before.contractions(SchemaFacts.of(connection));
            } finally {
                connection.rollback();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP TABLE t CASCADE",
                "DROP VIEW v",
                "DROP SEQUENCE s",
                "DROP TRIGGER r ON t",
                "ALTER TABLE t RENAME TO u",
                "ALTER TABLE t DROP COLUMN c",
                "ALTER TABLE t RENAME COLUMN c TO e",
                "ALTER TABLE t ALTER COLUMN c TYPE varchar(9)",
                "ALTER TABLE t ALTER COLUMN b SET NOT NULL",
                "ALTER TABLE t ALTER COLUMN c DROP DEFAULT",
                "ALTER TABLE t ADD COLUMN e text NOT NULL",
                "ALTER TABLE t ADD CHECK (b <> '')",
                "ALTER TABLE t ADD UNIQUE (b)",
                "ALTER TABLE t DROP CONSTRAINT t_d_key",
                "ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES t (d)",
                "CREATE UNIQUE INDEX ON t (lower(b))",
                "DROP FUNCTION f",
                "DROP FUNCTION f; CREATE FUNCTION f(x integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
                "DROP FUNCTION f; CREATE FUNCTION f(x integer, y integer DEFAULT 1) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
                "CREATE FUNCTION f(x text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION f(x integer, y integer, z integer DEFAULT 1) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            })
    void whatEarlierStatementsMayMissIsFound(String change) throws SQLException {
        assertThat(contractions(change)).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TABLE u (a integer PRIMARY KEY, b text NOT NULL, CHECK (a > 0))",
                "ALTER TABLE t ADD COLUMN e text",
                "ALTER TABLE t ADD COLUMN e integer NOT NULL DEFAULT 7 CHECK (e > 0)",
                "ALTER TABLE t ALTER COLUMN c DROP NOT NULL",
                "CREATE OR REPLACE VIEW v AS SELECT a, b, c FROM t",
                "CREATE INDEX ON t (c)",
                "DROP INDEX i",
                "CREATE FUNCTION f(x integer, y integer, z integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
                "CREATE OR REPLACE FUNCTION f(x integer, y integer DEFAULT 2) RETURNS integer LANGUAGE sql AS 'SELECT 2'",
            })
    void whatIsAddedIsNot(String change) throws SQLException {
        assertThat(contractions(change)).isEmpty();
    }
}

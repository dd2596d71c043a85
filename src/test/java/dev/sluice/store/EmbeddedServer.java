package dev.sluice.store;

import dev.sluice.dev.Standstill;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;

/** Owns a real PostgreSQL with the real migrations, which tests may freeze and restart; confined to the test's thread. */
public final class EmbeddedServer implements AutoCloseable {
    /** As TRUNCATE does: it waits for whoever writes, and calls no trigger. But TRUNCATE makes files, of which each costs an fsync. */
    private static final String EMPTY = """
        DO $$
        DECLARE
          names text := 'session, received, subscription, queue, queue_out, queued, message, ended_session, left_queue, retained, '
            || 'will, lane, fanout, spool, spool_holder, spool_count, node';
          name text;
        BEGIN
          PERFORM set_config('session_replication_role', 'replica', true);
          EXECUTE 'LOCK TABLE ' || names || ' IN ACCESS EXCLUSIVE MODE';
          FOREACH name IN ARRAY string_to_array(names, ', ') LOOP
            IF pg_table_size(name::regclass) > 1000000 THEN
              EXECUTE 'TRUNCATE ' || names;
              EXIT;
            END IF;
            EXECUTE 'DELETE FROM ' || name;
          END LOOP;
          UPDATE spool_lane SET holder = NULL WHERE holder IS NOT NULL;
        END $$""";

    private final Path data;
    private final int port;
    private EmbeddedPostgres postgres;

    private EmbeddedServer(Path data, int port) {
        this.data = data;
        this.port = port;
    }

    public static EmbeddedServer start() {
        try {
            var server = started();
            migrate(server.dataSource(), "latest");
            return server;
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** Runs the migrations up to this version. */
    static void migrate(DataSource source, String version) {
        Flyway.configure()
                .dataSource(source)
                .locations("db/migrations")
                .target(version)
                .load()
                .migrate();
    }

    /** On a port that nobody else has: another process may take it before the server does, and then that one's server answers. */
    private static EmbeddedServer started() throws IOException {
        while (true) {
            var server = new EmbeddedServer(Files.createTempDirectory(Path.of("target"), "postgres"), freePort());
            server.run();
            if (Path.of(server.value("SHOW data_directory")).equals(server.data.toRealPath())) return server;
            server.stop();
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** One for all tests that leave it running; it ends with the JVM. */
    public static EmbeddedServer shared() {
        return Shared.SERVER;
    }

    private static final class Shared {
        static final EmbeddedServer SERVER = start();
    }

    /** With fsync and synchronous commit, which the embedded server switches off unless told. */
    public void run() {
        try {
            postgres = EmbeddedPostgres.builder()
                    .setPort(port)
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setServerConfig("fsync", "on")
                    .setServerConfig("synchronous_commit", "on")
                    .start();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    public void stop() {
        try {
            postgres.close();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    public void freeze() {
        signal("-STOP").forEach(one -> Standstill.await(one.pid()));
    }

    public void thaw() {
        signal("-CONT");
    }

    public int port() {
        return port;
    }

    public String url() {
        return "jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres";
    }

    public DataSource dataSource() {
        return postgres.getPostgresDatabase();
    }

    /** An empty database of that name beside the one that has the migrations. */
    DataSource newDatabase(String name) {
        execute("DROP DATABASE IF EXISTS " + name);
        execute("CREATE DATABASE " + name);
        return postgres.getDatabase("postgres", name);
    }

    public void execute(String sql) {
        try (var connection = dataSource().getConnection();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException failure) {
            throw new IllegalStateException(failure);
        }
    }

    /** Deletes all that the store holds. */
    public void empty() {
        execute(EMPTY);
    }

    /** The same, for a gateway that runs on. */
    public void emptyOfClients() {
        execute(EMPTY.replace(", node'", "'"));
    }

    /** Enters the gateway of the tests into the fleet: returns its run. */
    public long register() {
        return Long.parseLong(
                value("SELECT claimed_run FROM claim_node('node-1', true, interval '1 h', 63, 'host:1', '1')"));
    }

    /** The first column of the first row, as text; null when there is no row. */
    public String value(String sql) {
        try (var connection = dataSource().getConnection();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            return rows.next() ? rows.getString(1) : null;
        } catch (SQLException failure) {
            throw new IllegalStateException(failure);
        }
    }

    @Override
    public void close() {
        stop();
    }

    /** The first process before its children, so that it makes no more of them; one of these may have ended meanwhile. */
    private List<ProcessHandle> signal(String signal) {
        try {
            var postmaster = ProcessHandle.of(Long.parseLong(Files.readAllLines(data.resolve("postmaster.pid"))
                            .getFirst()
                            .strip()))
                    .orElseThrow();
            var all = Stream.concat(Stream.of(postmaster), postmaster.descendants())
                    .toList();
            for (var one : all) signal(signal, one);
            return all;
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static void signal(String signal, ProcessHandle process) throws IOException {
        try {
            var status = new ProcessBuilder("kill", signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
            if (status != 0 && process.isAlive())
                throw new IllegalStateException("kill " + signal + " " + process.pid() + " ended with " + status);
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }
}

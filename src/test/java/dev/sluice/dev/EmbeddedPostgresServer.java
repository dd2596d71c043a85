package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;

/** A PostgreSQL server that can be frozen, killed and started again on the same folder; used by one thread. */
public final class EmbeddedPostgresServer implements AutoCloseable {
    public static final String USER = "sluice";

    private static final Duration START_TIME = Duration.ofSeconds(120);
    /** SIGINT is PostgreSQL's fast shutdown: it does not wait for its clients. */
    private static final ServerProcess.Ending ENDING = new ServerProcess.Ending("INT", Duration.ofSeconds(20));

    private final int port;
    private final ServerProcess process;

    private EmbeddedPostgresServer(int port, ServerProcess process) {
        this.port = port;
        this.process = process;
    }

    /** Starts a server on {@code dataDir/postgres} that has the database {@code sluice}; returns when it serves. */
    public static EmbeddedPostgresServer start(int port, Path dataDir) {
        var folder = dataDir.resolve("postgres").toAbsolutePath();
        var log = dataDir.resolve("postgres.log");
        if (!Files.exists(folder.resolve("PG_VERSION"))) {
            initialise(folder, log);
        }
        // The server is durable as in production: a commit is on disk. There is no socket file that two servers could
        // fight for.
        var command = PostgresBinaries.command(
                "postgres",
                "-D" + folder,
                "-p" + port,
                "-clisten_addresses=127.0.0.1",
                "-cunix_socket_directories=",
                "-cmax_connections=100",
                "-ctimezone=UTC");
        var process = ServerProcess.start("PostgreSQL", command, Map.of(), ENDING, log);
        var server = new EmbeddedPostgresServer(port, process);
        try {
            server.createDatabase();
        } catch (Complaint complaint) {
            server.close();
            throw new Complaint(
                    complaint.getMessage() + " Its log is " + log + ":\n" + ServerProcess.tail(log, 8), complaint);
        }
        return server;
    }

    private static void initialise(Path folder, Path log) {
        try {
            Files.createDirectories(folder.getParent());
            var command = PostgresBinaries.command(
                    "initdb",
                    "-D" + folder,
                    "-U" + USER,
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--no-locale",
                    "--no-sync");
            var initdb = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            if (initdb.waitFor() != 0) {
                throw new Complaint("PostgreSQL cannot initialise " + folder + ". Its log is " + log + ":\n"
                        + ServerProcess.tail(log, 8));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Complaint("interrupted while PostgreSQL was starting", e);
        }
    }

    public String jdbcUrl() {
        return jdbcUrl(port, "sluice");
    }

    public ServerProcess process() {
        return process;
    }

    public static String jdbcUrl(int port, String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    private void createDatabase() {
        try (var connection = awaitConnection();
                var statement = connection.createStatement()) {
            if (!statement
                    .executeQuery("SELECT 1 FROM pg_database WHERE datname = 'sluice'")
                    .next()) {
                statement.execute("CREATE DATABASE sluice");
            }
        } catch (SQLException e) {
            throw new Complaint("PostgreSQL on port " + port + " did not create its database: " + e.getMessage(), e);
        }
    }

    private Connection awaitConnection() {
        var deadline = System.nanoTime() + START_TIME.toNanos();
        while (true) {
            try {
                return DriverManager.getConnection(jdbcUrl(port, "postgres"), USER, "");
            } catch (SQLException e) {
                if (process.awaitEnd(Duration.ofMillis(50))) {
                    throw new Complaint(
                            "PostgreSQL ended while it was starting, with status " + process.exitStatus() + ".", e);
                }
                if (System.nanoTime() > deadline) {
                    throw new Complaint("PostgreSQL did not answer on port " + port + ": " + e.getMessage(), e);
                }
            }
        }
    }

    @Override
    public void close() {
        process.close();
    }
}

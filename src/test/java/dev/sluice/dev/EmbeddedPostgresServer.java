package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.nio.file.Files;
import java.nio.file.Path;
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
        if (!Files.exists(folder)) PostgresTemplate.copyTo(folder, log);
        // The server is durable as in production: a commit is on disk. There is no socket file that two servers could
        // fight for, and room for the pools of ten gateways.
        var command = PostgresBinaries.command(
                "postgres",
                "-D" + folder,
                "-p" + port,
                "-clisten_addresses=127.0.0.1",
                "-cunix_socket_directories=",
                "-cmax_connections=500",
                "-ctimezone=UTC");
        var process = ServerProcess.start("PostgreSQL", command, Map.of(), ENDING, log);
        var server = new EmbeddedPostgresServer(port, process);
        try {
            server.awaitConnection();
        } catch (Complaint complaint) {
            server.close();
            throw new Complaint(
                    complaint.getMessage() + " Its log is " + log + ":\n" + ServerProcess.tail(log, 8), complaint);
        }
        return server;
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

    private void awaitConnection() {
        var deadline = System.nanoTime() + START_TIME.toNanos();
        while (true) {
            try (var _ = DriverManager.getConnection(jdbcUrl(), USER, "")) {
                return;
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

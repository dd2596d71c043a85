package dev.sluice.fault;

import dev.sluice.dev.EmbeddedPostgresServer;
import dev.sluice.dev.Ports;
import dev.sluice.support.Crossing;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.DriverManager;
import java.sql.SQLException;

/**
 * A primary and its synchronous standby, and one address that leads to the primary: to the second server from its promotion on. Used by the
 * test's thread.
 */
final class PostgresPair implements AutoCloseable {
    /** How the gateway finds the primary. */
    enum Address {
        /** A proxy, or a virtual address. */
        PROXY,
        /** A name whose address changes. */
        NAME,
        /** Both servers are in the URL. */
        HOSTS
    }

    private static final String NAME = "database.test";

    private final Address address;
    private final int firstPort = Ports.free();
    private final int secondPort = Ports.free();
    private final Path hosts;
    private final EmbeddedPostgresServer first;
    private final EmbeddedPostgresServer second;
    private final Crossing crossing;
    /** Where the name leads to after the promotion. */
    private final Crossing other;

    private PostgresPair(Path folder, Address address) throws IOException {
        this.address = address;
        var firstFolder = folder.resolve("first");
        var secondFolder = folder.resolve("second");
        Files.createDirectories(firstFolder);
        // The standby begins as a copy of the stopped primary.
        EmbeddedPostgresServer.start(firstPort, firstFolder).close();
        copy(firstFolder.resolve("postgres"), secondFolder.resolve("postgres"));
        Files.createFile(secondFolder.resolve("postgres/standby.signal"));
        configure(
                secondFolder,
                "primary_conninfo = 'host=127.0.0.1 port=%d user=%s application_name=second'"
                        .formatted(firstPort, EmbeddedPostgresServer.USER));
        configure(firstFolder, "synchronous_standby_names = 'second'");
        first = EmbeddedPostgresServer.start(firstPort, firstFolder);
        second = EmbeddedPostgresServer.start(secondPort, secondFolder);
        crossing = Crossing.to(firstPort);
        other = Crossing.at(InetAddress.getByName("127.0.0.2"), crossing.port(), secondPort);
        hosts = folder.resolve("hosts");
        name("127.0.0.1");
    }

    /** In an empty folder; returns when both serve. */
    static PostgresPair start(Path folder, Address address) {
        try {
            return new PostgresPair(folder, address);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    String url() {
        return "jdbc:postgresql://%s/sluice"
                .formatted(
                        switch (address) {
                            case PROXY -> "127.0.0.1:" + crossing.port();
                            case NAME -> NAME + ":" + crossing.port();
                            case HOSTS -> "127.0.0.1:%d,127.0.0.1:%d".formatted(firstPort, secondPort);
                        });
    }

    /** What the gateway needs to resolve the name. */
    String[] javaOptions() {
        return address == Address.NAME ? new String[] {"-Djdk.net.hosts.file=" + hosts} : new String[0];
    }

    private void name(String target) {
        try {
            Files.writeString(hosts, target + " " + NAME + "\n");
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** The first stays up, and takes no writes from now on, in open connections neither. */
    void makeFirstReadOnly() {
        execute(first, "ALTER SYSTEM SET default_transaction_read_only = on");
        execute(first, "SELECT pg_reload_conf()");
    }

    void freezeFirst() {
        first.process().freeze();
    }

    /** Nothing gets to the first any more, or back, and nobody is told. */
    void cutFirstOff() {
        crossing.swallow();
    }

    /** Returns when the second takes writes; the address leads to it from then on. */
    void promoteSecond() {
        execute(second, "SELECT pg_promote(true, 30)");
        switch (address) {
            case PROXY -> crossing.lead(secondPort);
            case NAME -> name("127.0.0.2");
            case HOSTS -> {}
        }
    }

    private static void execute(EmbeddedPostgresServer server, String sql) {
        try (var connection = DriverManager.getConnection(server.jdbcUrl(), EmbeddedPostgresServer.USER, "");
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException failure) {
            throw new IllegalStateException(failure);
        }
    }

    private static void configure(Path folder, String line) throws IOException {
        Files.writeString(folder.resolve("postgres/postgresql.auto.conf"), line + "\n", StandardOpenOption.APPEND);
    }

    /** As folders of PostgreSQL are: for their owner alone. */
    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        try (var files = Files.walk(from)) {
            for (var file : files.toList()) {
                var target = to.resolve(from.relativize(file));
                Files.copy(file, target);
                Files.setPosixFilePermissions(target, Files.getPosixFilePermissions(file));
            }
        }
    }

    @Override
    public void close() {
        crossing.close();
        other.close();
        first.process().kill();
        second.close();
    }
}

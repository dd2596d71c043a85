package dev.sluice.cluster.node;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import java.time.Duration;

/**
 * A clock that stands still until the test has time pass: that of gateways and, for connections that are prepared by {@link #SQL}, of
 * PostgreSQL. So no machine is too slow for a lease. Any thread may ask; one moves it.
 */
final class MovedClock {
    /** Functions that are found before PostgreSQL's own of the same name. */
    static final String SQL = Pools.patientSql() + "; SET search_path = moved, pg_catalog, public";

    private static final String FUNCTIONS = """
            CREATE SCHEMA IF NOT EXISTS moved;
            CREATE TABLE IF NOT EXISTS moved.clock (reads timestamptz NOT NULL);
            CREATE OR REPLACE FUNCTION moved.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT reads FROM moved.clock';
            CREATE OR REPLACE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT reads FROM moved.clock';
            DELETE FROM moved.clock;
            INSERT INTO moved.clock SELECT now()""";

    private final EmbeddedServer server;
    private final long start = System.nanoTime();
    private volatile long passed;

    MovedClock(EmbeddedServer server) {
        this.server = server;
        server.execute(FUNCTIONS);
    }

    long nanoTime() {
        return start + passed;
    }

    Duration passed() {
        return Duration.ofNanos(passed);
    }

    void pass(Duration time) {
        passed += time.toNanos();
        server.execute("UPDATE moved.clock SET reads = reads + interval '%d ms'".formatted(time.toMillis()));
    }
}

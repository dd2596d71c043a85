package dev.sluice.store;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jboss.logging.Logger;

/**
 * Owns two figures of PostgreSQL that nobody notices until they hurt: how far its clock is from the gateway's, and how long its oldest
 * snapshot has kept dead rows from being removed. One virtual thread asks, any thread may read.
 */
@ApplicationScoped
public class StoreWatch {
    private static final Logger LOG = Logger.getLogger(StoreWatch.class);
    private static final Duration INTERVAL = Duration.ofSeconds(10);
    /** Of several answers the quickest one tells the time best. */
    private static final int CLOCK_LOOKS = 3;

    private static final String CLOCK = "SELECT extract(epoch FROM clock_timestamp())";

    /** An own transaction is one of many; autovacuum's hold nothing up. */
    private static final String OLDEST = """
            SELECT extract(epoch FROM clock_timestamp() - h.since) AS age, h.holder FROM (
                SELECT xact_start AS since, concat('process ', pid, ' of user ', usename, ' (', application_name, '), ', state) AS holder
                  FROM pg_stat_activity
                 WHERE datname = current_database() AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
                   AND backend_type = 'client backend' AND pid <> pg_backend_pid()
                UNION ALL
                SELECT prepared, 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE database = current_database()) h
             WHERE h.since IS NOT NULL ORDER BY h.since LIMIT 1""";

    /** These have no time; what is not behind by transactions holds nothing up. */
    private static final String HORIZONS = """
            SELECT 'standby ' || application_name AS holder, backend_xmin::text AS xmin FROM pg_stat_replication
             WHERE backend_xmin IS NOT NULL AND age(backend_xmin) > 1000
            UNION ALL
            SELECT 'replication slot ' || slot_name, xmin::text FROM pg_replication_slots
             WHERE xmin IS NOT NULL AND age(xmin) > 1000""";

    private final StoreCalls calls;
    private final Duration skewMaximum;
    private final Duration ageMaximum;
    private final ThrottledLog skewed = new ThrottledLog(LOG);
    private final ThrottledLog old = new ThrottledLog(LOG);
    private final Repeating watch = Repeating.onVirtualThread("sluice-store-watch");
    /** Since when a holder has had the horizon that it has now. Of the watch's thread. */
    private Map<String, Horizon> horizons = Map.of();

    private volatile Figures figures = Figures.UNKNOWN;

    StoreWatch(StoreRequests requests, StoreConfig config, MeterRegistry meters) {
        this.calls = requests.upkeep();
        this.skewMaximum = config.clockSkewMaximum();
        this.ageMaximum = config.snapshotAgeMaximum();
        Gauge.builder("sluice.store.clock.skew", this, watch -> watch.figures.skew())
                .baseUnit("seconds")
                .description("PostgreSQL's clock less the gateway's")
                .register(meters);
        Gauge.builder("sluice.store.oldest.snapshot", this, watch -> watch.figures
                        .oldest()
                        .age())
                .baseUnit("seconds")
                .description("Age of the oldest snapshot in PostgreSQL, which keeps dead rows from being removed")
                .register(meters);
    }

    /** What was seen last, in seconds; NaN when PostgreSQL does not answer. */
    private record Figures(double skew, Snapshot oldest) {
        static final Figures UNKNOWN = new Figures(Double.NaN, new Snapshot(Double.NaN, ""));
    }

    private record Snapshot(double age, String holder) {}

    private record Horizon(String xmin, long since) {}

    void start(@Observes @Priority(StartOrder.SWEEPS) StartupEvent event) {
        watch.start(() -> {
            look();
            return INTERVAL;
        });
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        watch.stop();
    }

    /** Blocking: asks, and warns of what is above its bound, which does no harm at once. */
    void look() {
        try {
            figures = calls.call("looking at PostgreSQL's clock and snapshots", this::ask);
        } catch (StoreUnavailable away) {
            figures = Figures.UNKNOWN;
            LOG.debugf("%s", away.getMessage());
            return;
        }
        if (skewComplaint() instanceof String complaint) skewed.warn(complaint);
        if (snapshotComplaint() instanceof String complaint) old.warn(complaint);
    }

    /** What is to be said of the clocks; null for nothing. */
    String skewComplaint() {
        var skew = figures.skew();
        if (!(Math.abs(skew) > seconds(skewMaximum))) return null;
        return "the gateway's clock is %.1f s %s PostgreSQL's: one of them is wrong. Messages and sessions expire in time all the same, but times in records and logs differ"
                .formatted(Math.abs(skew), skew > 0 ? "behind" : "ahead of");
    }

    /** What is to be said of the oldest snapshot; null for nothing. */
    String snapshotComplaint() {
        var oldest = figures.oldest();
        if (!(oldest.age() > seconds(ageMaximum))) return null;
        return "PostgreSQL has kept dead rows for %.0f s because of %s: tables grow, and what needs them gets slower and slower"
                .formatted(oldest.age(), oldest.holder());
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }

    private Figures ask(Connection connection) throws SQLException {
        var snapshot = oldest(connection);
        for (var held : horizons(connection).entrySet()) {
            var age = (System.nanoTime() - held.getValue().since()) / 1e9;
            if (age > snapshot.age()) snapshot = new Snapshot(age, held.getKey());
        }
        return new Figures(skew(connection), snapshot);
    }

    private static double skew(Connection connection) throws SQLException {
        var shortest = Double.MAX_VALUE;
        var skew = 0.0;
        try (var clock = connection.prepareStatement(CLOCK)) {
            for (int i = 0; i < CLOCK_LOOKS; i++) {
                var asked = System.nanoTime();
                try (var row = clock.executeQuery()) {
                    row.next();
                    var took = (System.nanoTime() - asked) / 1e9;
                    if (took >= shortest) continue;
                    shortest = took;
                    skew = row.getDouble(1) - (System.currentTimeMillis() / 1000.0 - took / 2);
                }
            }
        }
        return skew;
    }

    private static Snapshot oldest(Connection connection) throws SQLException {
        try (var ask = connection.prepareStatement(OLDEST);
                var row = ask.executeQuery()) {
            return row.next() ? new Snapshot(row.getDouble("age"), row.getString("holder")) : new Snapshot(0, "");
        }
    }

    private Map<String, Horizon> horizons(Connection connection) throws SQLException {
        var now = System.nanoTime();
        var found = new HashMap<String, Horizon>();
        try (var ask = connection.prepareStatement(HORIZONS);
                var rows = ask.executeQuery()) {
            while (rows.next()) {
                var xmin = rows.getString("xmin");
                var known = horizons.get(rows.getString("holder"));
                found.put(
                        rows.getString("holder"),
                        known != null && known.xmin().equals(xmin) ? known : new Horizon(xmin, now));
            }
        }
        horizons = found;
        return found;
    }
}

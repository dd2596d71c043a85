package dev.sluice.store;

import dev.sluice.config.NodeConfig;
import dev.sluice.config.StoreConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/**
 * Ends sessions whose time is over: one virtual thread sweeps, in small transactions that step around rows somebody else has locked, so
 * that any number of gateways may sweep at once.
 */
@ApplicationScoped
public class SessionExpiry {
    private static final Logger LOG = Logger.getLogger(SessionExpiry.class);

    private static final String SWEEP = """
            DELETE FROM session WHERE client_id = ANY (ARRAY(
                SELECT client_id FROM session WHERE expires_at <= now()
                 ORDER BY expires_at LIMIT ? FOR UPDATE SKIP LOCKED))""";

    private static final String RECLAIM = """
            UPDATE session
               SET connected = false, disconnected_at = now(), last_disconnect_reason = NULL,
                   expires_at = CASE WHEN expiry_seconds < 4294967295
                       THEN now() + expiry_seconds * interval '1 second' END
             WHERE client_id = ANY (ARRAY(
                SELECT client_id FROM session WHERE node = ? AND connected LIMIT ? FOR UPDATE SKIP LOCKED))""";

    private final DataSource dataSource;
    private final StoreConfig config;
    private final String node;
    private final StoreHealth health;
    private final Counter expired;
    private final CountDownLatch stopped = new CountDownLatch(1);

    SessionExpiry(
            DataSource dataSource, StoreConfig config, NodeConfig node, StoreHealth health, MeterRegistry metrics) {
        this.node = node.id();
        this.dataSource = dataSource;
        this.config = config;
        this.health = health;
        this.expired = Counter.builder("sluice.session.expired")
                .description("sessions that the sweep ended")
                .register(metrics);
    }

    /** Before the socket opens, so that no session of this run is taken for one of an earlier run. */
    void start(@Observes StartupEvent event) {
        try {
            var reclaimed = reclaim(node);
            if (reclaimed > 0) LOG.infof("%d connections of an earlier run of node %s ended", reclaimed, node);
        } catch (SQLException failure) {
            LOG.warnf("connections of an earlier run of node %s not ended: %s", node, failure.getMessage());
        }
        Thread.ofVirtual().name("sluice-session-expiry").start(this::watch);
    }

    void stop(@Observes ShutdownEvent event) {
        stopped.countDown();
    }

    /** Blocking: deletes every session that is due, and returns how many. A connected session is never due. */
    public int sweep() throws SQLException {
        int total = 0;
        int batch;
        do {
            batch = Transaction.run(dataSource, connection -> {
                try (var delete = connection.prepareStatement(SWEEP)) {
                    delete.setInt(1, config.sweepBatch());
                    return delete.executeUpdate();
                }
            });
            expired.increment(batch);
            total += batch;
        } while (batch == config.sweepBatch());
        return total;
    }

    /**
     * Blocking: ends the connections that an earlier run of this node left in their rows when it was killed, as if they had been lost
     * now; returns how many. To be called before the first session is opened under this node's name, which no other running gateway may
     * bear. Rows of a node that never comes back stay connected: they are resumed or replaced when their client returns, and else wait
     * for that node's lease to run out.
     */
    public int reclaim(String node) throws SQLException {
        int total = 0;
        int batch;
        do {
            batch = Transaction.run(dataSource, connection -> {
                try (var update = connection.prepareStatement(RECLAIM)) {
                    update.setString(1, node);
                    update.setInt(2, config.sweepBatch());
                    return update.executeUpdate();
                }
            });
            total += batch;
        } while (batch == config.sweepBatch());
        return total;
    }

    private void watch() {
        try {
            while (!stopped.await(config.sweepInterval().toNanos(), TimeUnit.NANOSECONDS)) {
                if (health.available()) {
                    sweepOrTell();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void sweepOrTell() {
        try {
            sweep();
        } catch (SQLException failure) {
            LOG.warnf(
                    "sweeping expired sessions, to be tried again in %s: %s",
                    config.sweepInterval(), failure.getMessage());
        }
    }
}

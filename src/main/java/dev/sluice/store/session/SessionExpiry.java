package dev.sluice.store.session;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import dev.sluice.store.SessionsEnded;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.Transaction;
import dev.sluice.store.delivery.DeliverySweep;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/**
 * Ends sessions whose time is over: one virtual thread sweeps, in small transactions that step around rows somebody else has locked, so
 * that any number of gateways may sweep at once.
 */
@ApplicationScoped
public class SessionExpiry {
    private static final Logger LOG = Logger.getLogger(SessionExpiry.class);

    /** What hangs on the sessions is left to {@link DeliverySweep}. */
    private static final String SWEEP = """
            DELETE FROM session WHERE client_id = ANY (ARRAY(
                SELECT client_id FROM session WHERE expires_at <= now()
                 ORDER BY expires_at LIMIT ? FOR UPDATE SKIP LOCKED))
            RETURNING client_id, id""";

    /** Each half finds its wills by an index of its own. */
    private static final String RELEASE_WILLS = """
            UPDATE will SET leased_until = NULL, leased_by = NULL
             WHERE (due_at <= now() AND NOT delivered OR due_at <= now() AND delivered) AND leased_by = ?""";

    private final DataSource dataSource;
    private final StoreConfig config;
    private final String node;
    private final StoreHealth health;
    private final Counter expired;
    private final Consumer<SessionsEnded> ended;
    private final ThrottledLog locked = new ThrottledLog(LOG);
    /** What is left of earlier runs; null once there is nothing. The sweep's thread has it after the start. */
    private LostConnections lost;

    private final Repeating sweeping = Repeating.onVirtualThread("sluice-session-expiry");

    @Inject
    public SessionExpiry(
            DataSource dataSource,
            StoreConfig config,
            NodeConfig node,
            StoreHealth health,
            MeterRegistry meters,
            Event<SessionsEnded> ended) {
        this(dataSource, config, node, health, meters, ended::fire);
    }

    public SessionExpiry(
            DataSource dataSource,
            StoreConfig config,
            NodeConfig node,
            StoreHealth health,
            MeterRegistry meters,
            Consumer<SessionsEnded> ended) {
        this.node = node.id();
        this.dataSource = dataSource;
        this.config = config;
        this.ended = ended;
        this.health = health;
        this.expired = Counter.builder("sluice.session.expired")
                .description("sessions that the sweep ended")
                .register(meters);
    }

    /** Before the socket opens: from here on, what is opened is of this run. */
    void start(@Observes @Priority(StartOrder.SWEEPS) StartupEvent event) {
        try {
            releaseWills(node);
            lost = LostConnections.upToNow(dataSource, node, config.sweepBatch());
        } catch (SQLException failure) {
            // Not later: then the sessions of this run would be taken for those of the earlier one.
            throw new IllegalStateException(
                    "the connections of an earlier run of node " + node + " cannot be told from new ones", failure);
        }
        sweeping.start(() -> {
            sweepIfAvailable();
            return config.sweepInterval();
        });
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        sweeping.stop();
    }

    /** Blocking: deletes every session that is due, tells which, and returns how many. A connected session is never due. */
    public int sweep() throws SQLException {
        var total = 0;
        List<EndedSession> sessions;
        do {
            sessions = Transaction.run(dataSource, this::sweep);
            if (!sessions.isEmpty()) ended.accept(new SessionsEnded(sessions));
            expired.increment(sessions.size());
            total += sessions.size();
        } while (sessions.size() == config.sweepBatch());
        return total;
    }

    private List<EndedSession> sweep(Connection connection) throws SQLException {
        try (var delete = connection.prepareStatement(SWEEP)) {
            delete.setInt(1, config.sweepBatch());
            var sessions = new ArrayList<EndedSession>();
            try (var rows = delete.executeQuery()) {
                while (rows.next()) sessions.add(new EndedSession(rows.getString(1), rows.getLong(2)));
            }
            return sessions;
        }
    }

    /**
     * Blocking: ends the connections that runs of a node before this moment left in their rows when they were killed, as if they had been lost
     * now, their wills included; returns how many. No other running gateway may bear the node's name. Rows of a node that never
     * comes back stay connected: they are resumed or replaced when their client returns.
     */
    public int reclaim(String node) throws SQLException {
        releaseWills(node);
        return LostConnections.upToNow(dataSource, node, config.sweepBatch())
                .end(() -> false)
                .ended();
    }

    /** The start left this to the sweep's thread, so that clients need not wait for it. */
    private void endLost() throws SQLException {
        if (lost == null) return;
        var pass = lost.end(sweeping::isStopped);
        if (pass.ended() > 0) LOG.infof("%d connections of an earlier run of node %s ended", pass.ended(), node);
        if (pass.locked() > 0)
            locked.warn("at least " + pass.locked() + " connections of an earlier run of node " + node
                    + " have not ended: their rows are locked by another transaction; to be tried again in "
                    + config.sweepInterval());
        if (lost.isOver(pass)) lost = null;
    }

    /** Those that it was publishing when it was killed. */
    private void releaseWills(String node) throws SQLException {
        Transaction.run(dataSource, connection -> {
            try (var update = connection.prepareStatement(RELEASE_WILLS)) {
                update.setString(1, node);
                return update.executeUpdate();
            }
        });
    }

    private void sweepIfAvailable() {
        if (!health.available()) return;
        try {
            endLost();
            sweep();
        } catch (SQLException | RuntimeException failure) {
            LOG.warnf("sweeping sessions, to be tried again in %s: %s", config.sweepInterval(), failure.getMessage());
        }
    }
}

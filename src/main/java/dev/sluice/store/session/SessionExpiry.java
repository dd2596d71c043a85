package dev.sluice.store.session;

import dev.sluice.clock.Repeating;
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

    private static final String RELEASE_WILLS =
            "UPDATE will SET leased_until = NULL, leased_by = NULL WHERE due_at <= now() AND leased_by = ?";

    /** What the connections had sent is not known: it is at most what their quotas let them have unanswered. */
    private static final String RECLAIM = """
            WITH lost AS (
                UPDATE session
                   SET connected = false, disconnected_at = now(), last_disconnect_reason = NULL,
                       expires_at = CASE WHEN expiry_seconds < 4294967295
                           THEN now() + expiry_seconds * interval '1 second' END
                 WHERE client_id = ANY (ARRAY(
                    SELECT client_id FROM session WHERE node = ? AND connected LIMIT ? FOR UPDATE SKIP LOCKED))
                RETURNING id, client_id, expiry_seconds, send_quota),
            sent AS (
                UPDATE queue_out o SET sent_seq = greatest(o.sent_seq, (
                    SELECT max(u.seq) FROM (SELECT r.seq FROM queued r WHERE r.session_id = l.id AND NOT r.received
                                             ORDER BY r.seq LIMIT l.send_quota) u))
                  FROM lost l WHERE o.session_id = l.id),
            due AS (
                UPDATE will w SET due_at = now() + least(w.delay_seconds, l.expiry_seconds) * interval '1 second'
                  FROM lost l WHERE w.client_id = l.client_id AND w.due_at IS NULL)
            SELECT count(*) FROM lost""";

    private final DataSource dataSource;
    private final StoreConfig config;
    private final String node;
    private final StoreHealth health;
    private final Counter expired;
    private final Consumer<SessionsEnded> ended;
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

    /** Before the socket opens, so that no session of this run is taken for one of an earlier run. */
    void start(@Observes @Priority(StartOrder.SWEEPS) StartupEvent event) {
        try {
            var reclaimed = reclaim(node);
            if (reclaimed > 0) LOG.infof("%d connections of an earlier run of node %s ended", reclaimed, node);
        } catch (SQLException failure) {
            // Not later: then the sessions of this run would be taken for those of the earlier one.
            throw new IllegalStateException(
                    "the connections of an earlier run of node " + node + " are not ended", failure);
        }
        sweeping.every(config.sweepInterval(), this::sweepIfAvailable);
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
     * Blocking: ends the connections that an earlier run of this node left in their rows when it was killed, as if they had been lost
     * now, their wills included; returns how many. To be called before the first session is opened under this node's name, which no other running gateway may
     * bear. Rows of a node that never comes back stay connected: they are resumed or replaced when their client returns, and else wait
     * for that node's lease to run out.
     */
    public int reclaim(String node) throws SQLException {
        releaseWills(node);
        var total = 0;
        int batch;
        do {
            batch = Transaction.run(dataSource, connection -> {
                try (var update = connection.prepareStatement(RECLAIM);
                        var plan = connection.createStatement()) {
                    // No index knows the node. See quarkus.datasource.jdbc.new-connection-sql.
                    plan.execute("SET LOCAL enable_seqscan = on");
                    update.setString(1, node);
                    update.setInt(2, config.sweepBatch());
                    try (var rows = update.executeQuery()) {
                        rows.next();
                        return rows.getInt(1);
                    }
                }
            });
            total += batch;
        } while (batch == config.sweepBatch());
        return total;
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
            sweep();
        } catch (SQLException | RuntimeException failure) {
            LOG.warnf(
                    "sweeping expired sessions, to be tried again in %s: %s",
                    config.sweepInterval(), failure.getMessage());
        }
    }
}

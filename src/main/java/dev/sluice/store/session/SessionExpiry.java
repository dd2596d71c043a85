package dev.sluice.store.session;

import dev.sluice.clock.Repeating;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import dev.sluice.store.SessionsEnded;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.SweepTurn;
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
 * Ends sessions whose time is over: one virtual thread of one gateway sweeps, in small transactions that step around rows somebody else has
 * locked, so that it does no harm if two sweep for a moment.
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

    private final DataSource dataSource;
    private final StoreConfig config;
    private final StoreHealth health;
    private final SweepTurn turn;
    private final Counter expired;
    private final Consumer<SessionsEnded> ended;
    private final Repeating sweeping = Repeating.onVirtualThread("sluice-session-expiry");

    @Inject
    public SessionExpiry(
            DataSource dataSource,
            StoreConfig config,
            StoreHealth health,
            SweepTurn turn,
            MeterRegistry meters,
            Event<SessionsEnded> ended) {
        this(dataSource, config, health, turn, meters, ended::fire);
    }

    public SessionExpiry(
            DataSource dataSource,
            StoreConfig config,
            StoreHealth health,
            SweepTurn turn,
            MeterRegistry meters,
            Consumer<SessionsEnded> ended) {
        this.dataSource = dataSource;
        this.config = config;
        this.ended = ended;
        this.health = health;
        this.turn = turn;
        this.expired = Counter.builder("sluice.session.expired")
                .description("sessions that the sweep ended")
                .register(meters);
    }

    void start(@Observes @Priority(StartOrder.SWEEPS) StartupEvent event) {
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
            if (!sessions.isEmpty()) ended.accept(new SessionsEnded(sessions, false));
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

    private void sweepIfAvailable() {
        if (!health.available() || !turn.isOurs()) return;
        try {
            sweep();
        } catch (SQLException | RuntimeException failure) {
            LOG.warnf("sweeping sessions, to be tried again in %s: %s", config.sweepInterval(), failure.getMessage());
        }
    }
}

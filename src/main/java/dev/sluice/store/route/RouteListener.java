package dev.sluice.store.route;

import dev.sluice.clock.Repeating;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import dev.sluice.store.SessionsEnded;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.SessionsUnheard;
import dev.sluice.store.Transaction;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jboss.logging.Logger;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Tells the versions of the routes and of the rules in PostgreSQL when they have changed, and every few seconds besides, in case a
 * notification was lost; when to look at the credentials; and sessions that an operator has
 * deleted, or that this may have been missed. One virtual thread, which holds one connection of the pool for good.
 */
@ApplicationScoped
public class RouteListener {
    private static final Logger LOG = Logger.getLogger(RouteListener.class);

    private static final String SESSIONS = "sluice_sessions";

    private final DataSource dataSource;
    private final Duration interval;
    private final Consumer<SessionsEnded> ended;
    private final Consumer<SessionsUnheard> unheard;
    private final Repeating listening = Repeating.onVirtualThread("sluice-route-listener");
    private volatile BooleanSupplier credentials = () -> false;
    private volatile LongConsumer rules;

    @Inject
    RouteListener(
            DataSource dataSource, StoreConfig config, Event<SessionsEnded> ended, Event<SessionsUnheard> unheard) {
        this(dataSource, config.routesInterval(), ended::fire, unheard::fire);
    }

    RouteListener(
            DataSource dataSource,
            Duration interval,
            Consumer<SessionsEnded> ended,
            Consumer<SessionsUnheard> unheard) {
        this.dataSource = dataSource;
        this.interval = interval;
        this.ended = ended;
        this.unheard = unheard;
    }

    /**
     * @param look called on the listener's thread when credentials may have changed, and every few seconds besides; again at once, but after
     *     everything else that is to be told, if it returns true
     */
    public void credentials(BooleanSupplier look) {
        credentials = look;
    }

    /**
     * To be called before the {@link #start}.
     *
     * @param version as there, of the rules
     */
    public void rules(LongConsumer version) {
        rules = version;
    }

    /** @param version told on the listener's thread, whether it is new or not; told again after a while if it throws */
    public void start(LongConsumer version) {
        listening.start(() -> {
            listen(version);
            return interval;
        });
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        stop();
    }

    void stop() {
        listening.stop();
        listening.interrupt(); // closes the socket that it reads from
    }

    /** Returns when the connection is lost, or who is told has failed. */
    private void listen(LongConsumer version) {
        try (var connection = dataSource.getConnection()) {
            try {
                listen(connection, version);
            } catch (SQLException | RuntimeException lost) {
                // The pool has not seen it fail, and must not hand it out again, as it listens.
                Transaction.giveUp(connection);
                throw lost;
            }
        } catch (SQLException lost) {
            if (!listening.isStopped())
                LOG.debugf("listening for changes of routes and rules, to be tried again in %s: %s", interval, lost);
        } catch (RuntimeException failure) {
            LOG.error(
                    "following the routes and rules in PostgreSQL failed, and is tried again in " + interval, failure);
        }
    }

    private void listen(Connection connection, LongConsumer version) throws SQLException {
        var notifications = connection.unwrap(PGConnection.class);
        try (var statement = connection.createStatement()) {
            statement.execute(
                    "LISTEN sluice_routes; LISTEN sluice_rules; LISTEN sluice_credentials; LISTEN " + SESSIONS);
            unheard.accept(new SessionsUnheard());
            while (!listening.isStopped()) {
                tell(statement, "SELECT version FROM route_set", version);
                if (rules != null) tell(statement, "SELECT version FROM access_rule_set", rules);
                var wait = credentials.getAsBoolean() ? 1 : Math.max(1, interval.toMillis());
                tell(notifications.getNotifications((int) wait));
            }
            statement.execute("UNLISTEN *");
        }
    }

    private static void tell(Statement statement, String query, LongConsumer version) throws SQLException {
        try (var row = statement.executeQuery(query)) {
            if (row.next()) version.accept(row.getLong(1));
        }
    }

    /** @param notices null for none */
    private void tell(PGNotification[] notices) {
        var sessions = Stream.ofNullable(notices)
                .flatMap(Stream::of)
                .filter(notice -> notice.getName().equals(SESSIONS))
                .map(notice -> session(notice.getParameter()))
                .toList();
        if (!sessions.isEmpty()) ended.accept(new SessionsEnded(sessions, true));
    }

    /** As the trigger of the table writes it: its identity, a space, the client id. */
    private static EndedSession session(String notice) {
        var space = notice.indexOf(' ');
        return new EndedSession(notice.substring(space + 1), Long.parseLong(notice.substring(0, space)));
    }
}

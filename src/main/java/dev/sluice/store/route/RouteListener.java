package dev.sluice.store.route;

import dev.sluice.clock.Repeating;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.LongConsumer;
import javax.sql.DataSource;
import org.jboss.logging.Logger;
import org.postgresql.PGConnection;

/**
 * Tells the version of the routes in PostgreSQL when they have changed, and every few seconds besides, in case a notification was lost. One virtual
 * thread, which holds one connection of the pool for good.
 */
@ApplicationScoped
public class RouteListener {
    private static final Logger LOG = Logger.getLogger(RouteListener.class);

    private final DataSource dataSource;
    private final Duration interval;
    private final Repeating listening = Repeating.onVirtualThread("sluice-route-listener");

    @Inject
    RouteListener(DataSource dataSource, StoreConfig config) {
        this(dataSource, config.routesInterval());
    }

    RouteListener(DataSource dataSource, Duration interval) {
        this.dataSource = dataSource;
        this.interval = interval;
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
                connection.abort(Runnable::run);
                throw lost;
            }
        } catch (SQLException lost) {
            if (!listening.isStopped())
                LOG.debugf("listening for changes of the routes, to be tried again in %s: %s", interval, lost);
        } catch (RuntimeException failure) {
            LOG.error("following the routes in PostgreSQL failed, and is tried again in " + interval, failure);
        }
    }

    private void listen(Connection connection, LongConsumer version) throws SQLException {
        var notifications = connection.unwrap(PGConnection.class);
        try (var statement = connection.createStatement()) {
            statement.execute("LISTEN sluice_routes");
            while (!listening.isStopped()) {
                try (var row = statement.executeQuery("SELECT version FROM route_set")) {
                    if (row.next()) version.accept(row.getLong(1));
                }
                notifications.getNotifications((int) Math.max(1, interval.toMillis()));
            }
            statement.execute("UNLISTEN *");
        }
    }
}

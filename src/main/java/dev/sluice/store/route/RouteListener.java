package dev.sluice.store.route;

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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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
    private final CountDownLatch stopped = new CountDownLatch(1);
    private Thread thread;

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
        thread = Thread.ofVirtual().name("sluice-route-listener").start(() -> watch(version));
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        stop();
    }

    void stop() {
        stopped.countDown();
        if (thread != null) thread.interrupt(); // closes the socket that it reads from
    }

    private void watch(LongConsumer version) {
        try {
            do {
                listen(version);
            } while (!stopped.await(interval.toNanos(), TimeUnit.NANOSECONDS));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
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
            if (stopped.getCount() > 0)
                LOG.debugf("listening for changes of the routes, to be tried again in %s: %s", interval, lost);
        } catch (RuntimeException failure) {
            LOG.error("following the routes in PostgreSQL failed, and is tried again in " + interval, failure);
        }
    }

    private void listen(Connection connection, LongConsumer version) throws SQLException {
        var notifications = connection.unwrap(PGConnection.class);
        try (var statement = connection.createStatement()) {
            statement.execute("LISTEN sluice_routes");
            while (stopped.getCount() > 0) {
                try (var row = statement.executeQuery("SELECT version FROM route_set")) {
                    if (row.next()) version.accept(row.getLong(1));
                }
                notifications.getNotifications((int) Math.max(1, interval.toMillis()));
            }
            statement.execute("UNLISTEN *");
        }
    }
}

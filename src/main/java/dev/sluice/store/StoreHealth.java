package dev.sluice.store;

import dev.sluice.clock.Repeating;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/** Owns the knowledge whether PostgreSQL answers: one virtual thread asks, any thread may read. */
@ApplicationScoped
public class StoreHealth {
    private static final Logger LOG = Logger.getLogger(StoreHealth.class);

    private final DataSource dataSource;
    private final Duration interval;
    private final Duration probeTimeout;
    private final BoundedCalls calls = new BoundedCalls(1);
    private final Repeating watch = Repeating.onVirtualThread("sluice-store-health");
    /** Kept between probes, so that a pool that is used up does not look like a PostgreSQL that is away. */
    private final AtomicReference<Connection> idle = new AtomicReference<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition answered = lock.newCondition();
    private long answers;
    private volatile boolean available;

    StoreHealth(DataSource dataSource, StoreConfig config) {
        this.dataSource = dataSource;
        this.interval = config.probeInterval();
        this.probeTimeout = config.probeTimeout();
    }

    /** Whether PostgreSQL answered the last probe. */
    public boolean available() {
        return available;
    }

    void start(@Observes @Priority(StartOrder.POSTGRES_PROBE) StartupEvent event) {
        start();
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        stop();
    }

    void start() {
        probe();
        watch.every(interval, this::probe);
    }

    void stop() {
        watch.stop();
        release(idle.getAndSet(null), null);
    }

    /** Returns after the next probe that succeeds. */
    public void awaitAnswer() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            var seen = answers;
            while (answers == seen) answered.await();
        } finally {
            lock.unlock();
        }
    }

    private void probe() {
        try {
            calls.call(probeTimeout, this::ask);
            tellAnswer();
        } catch (ExecutionException failed) {
            tellSilence(failed.getCause());
        } catch (TimeoutException late) {
            tellSilence(late);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** A connection that died since it was used last says nothing about PostgreSQL; the next one, or none to be had, does. */
    private Void ask() throws SQLException {
        while (true) {
            var kept = idle.getAndSet(null);
            var connection = kept == null ? dataSource.getConnection() : kept;
            try (var statement = connection.createStatement()) {
                statement.execute("SELECT 1");
                idle.set(connection);
                return null;
            } catch (SQLException failure) {
                release(connection, failure);
                if (SqlFailure.of(failure) != SqlFailure.CONNECTION
                        || Thread.currentThread().isInterrupted()) {
                    throw failure;
                }
            }
        }
    }

    private void tellAnswer() {
        lock.lock();
        try {
            answers++;
            answered.signalAll();
        } finally {
            lock.unlock();
        }
        if (!available) {
            available = true;
            LOG.info("PostgreSQL answers");
        }
    }

    private void tellSilence(Throwable cause) {
        if (available) {
            available = false;
            LOG.warnf("PostgreSQL does not answer: %s", cause.getMessage());
        }
    }

    private static void release(Connection connection, SQLException reason) {
        if (connection == null) return;
        try {
            connection.close();
        } catch (SQLException broken) {
            if (reason == null) LOG.debug("closing the probe's connection", broken);
            else reason.addSuppressed(broken);
        }
    }
}

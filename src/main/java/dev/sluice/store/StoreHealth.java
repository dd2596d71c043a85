package dev.sluice.store;

import dev.sluice.clock.Repeating;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
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
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jboss.logging.Logger;

/**
 * Owns the knowledge whether PostgreSQL takes writes: one virtual thread asks, any thread may read. It also sees when the server is another
 * one than before, and then has the pool give up every connection to the earlier one.
 */
@ApplicationScoped
public class StoreHealth {
    private static final Logger LOG = Logger.getLogger(StoreHealth.class);

    /** While PostgreSQL is away, it is asked more often by this factor. */
    private static final int HASTE = 4;

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final AgroalDataSource pool;
    private final WriteProbe write;
    private final Duration interval;
    private final Duration probeTimeout;
    private final StoreClock clock;
    private final BoundedCalls calls = new BoundedCalls("sluice-store-probe", 1);
    private final Repeating watch = Repeating.onVirtualThread("sluice-store-health");
    /** Kept between probes, so that a pool that is used up does not look like a PostgreSQL that is away. */
    private final AtomicReference<Connection> idle = new AtomicReference<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition answered = lock.newCondition();
    private long answers;
    private volatile boolean available;
    /** Of the last answer; null before the first one. Read and written by one probe at a time. */
    private volatile String server;

    StoreHealth(AgroalDataSource pool, StoreConfig config, NodeConfig node, StoreClock clock) {
        this.pool = pool;
        this.clock = clock;
        this.write = new WriteProbe(node.id());
        this.interval = config.probeInterval();
        this.probeTimeout = config.probeTimeout();
    }

    /** Whether PostgreSQL took the last probe's write. */
    public boolean available() {
        return available;
    }

    /** @throws StoreUnavailable when PostgreSQL takes no writes for a minute, as long as the migrations wait for it */
    void start(@Observes @Priority(StartOrder.POSTGRES_PROBE) StartupEvent event) {
        // The migrations' own connections have longer bounds than others may have.
        pool.flush(FlushMode.IDLE);
        awaitWrites();
        refusePooler();
        watch.start(this::turn);
    }

    /** The rest of the start reads what it cannot do without, and would fail. */
    private void awaitWrites() {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        for (var failure = probe(); failure != null; failure = probe()) {
            var why = "PostgreSQL does not answer, or takes no writes: " + failure.getMessage();
            if (System.nanoTime() - deadline > 0 || Thread.currentThread().isInterrupted())
                throw new StoreUnavailable(why, failure);
            LOG.warn(why);
            LockSupport.parkNanos(interval.toNanos());
        }
    }

    private void refusePooler() {
        try {
            PoolerCheck.require(pool);
        } catch (SQLException away) {
            LOG.debug("no answer to whether there is a pooler; the probe tells why", away);
        }
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        stop();
    }

    void start() {
        probe();
        watch.start(this::turn);
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

    private Duration turn() {
        probe();
        return available ? interval : interval.dividedBy(HASTE);
    }

    /** Returns why PostgreSQL counts as away, or null when it does not. */
    private Throwable probe() {
        try {
            calls.call(probeTimeout, this::ask);
            tellAnswer();
            return null;
        } catch (ExecutionException failed) {
            tellSilence(failed.getCause());
            return failed.getCause();
        } catch (TimeoutException late) {
            // Those that rest may lead to a server that has vanished without a word, and each would be waited for as
            // long.
            pool.flush(FlushMode.GRACEFUL);
            tellSilence(late);
            return late;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return interrupted;
        }
    }

    /**
     * A connection that died since it was used last says nothing about PostgreSQL; the next one, or none to be had, does. Nor does one to a
     * server that has become read-only: a fresh one may lead to the primary.
     */
    private Void ask() throws SQLException {
        var wasReadOnly = false;
        while (true) {
            var kept = idle.getAndSet(null);
            var connection = kept == null ? pool.getConnection() : kept;
            try {
                var asked = System.nanoTime();
                var answer = Transaction.run(connection, write);
                clock.answered(asked, answer.micros());
                reached(answer.server());
                idle.set(connection);
                return null;
            } catch (SQLException failure) {
                release(connection, failure);
                if (SqlFailure.of(failure) != SqlFailure.CONNECTION
                        || wasReadOnly && SqlFailure.isReadOnly(failure)
                        || Thread.currentThread().isInterrupted()) {
                    throw failure;
                }
                if (SqlFailure.isReadOnly(failure)) {
                    wasReadOnly = true;
                    pool.flush(FlushMode.ALL);
                }
            }
        }
    }

    /** What the other connections of the pool lead to may be frozen, cut off or out of date: whoever waits for it begins again. */
    private void reached(String now) {
        var before = server;
        server = now;
        if (before == null || before.equals(now)) return;
        LOG.info(
                "PostgreSQL is another server than before, or has restarted; all connections to the earlier one are given up");
        pool.flush(FlushMode.ALL);
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
            LOG.warnf("PostgreSQL does not answer, or takes no writes: %s", cause.getMessage());
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

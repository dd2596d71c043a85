package dev.sluice.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/**
 * Owns one connection of the pool, which is kept from call to call, and given up when a call has failed on it: the next one gets a fresh one.
 * Calls come from one virtual thread at a time, and block within their bound.
 */
public final class KeptConnection {
    private static final Logger LOG = Logger.getLogger(KeptConnection.class);
    private static final String BROKEN = "08006";

    private final DataSource pool;
    private final BoundedCalls calls;
    private final AtomicReference<Connection> kept = new AtomicReference<>();

    /** @param name of the thread that calls run on */
    public KeptConnection(DataSource pool, String name) {
        this.pool = pool;
        this.calls = new BoundedCalls(name, 1);
    }

    /**
     * Runs one transaction.
     *
     * @throws SQLException also when the answer takes too long, whatever the driver does
     */
    public <T> T call(Duration bound, Transaction.Work<T> work) throws SQLException {
        try {
            return calls.call(bound, () -> run(work));
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof SQLException failure) throw failure;
            throw new IllegalStateException(failed.getCause());
        } catch (TimeoutException late) {
            throw new SQLException(late.getMessage(), BROKEN, late);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new SQLException("interrupted", BROKEN, interrupted);
        }
    }

    private <T> T run(Transaction.Work<T> work) throws SQLException {
        var before = kept.getAndSet(null);
        var connection = before == null ? pool.getConnection() : before;
        var isWell = false;
        try {
            var answer = Transaction.run(connection, work);
            isWell = true;
            return answer;
        } finally {
            // Nobody may have it who does not know what it holds.
            if (!isWell || !kept.compareAndSet(null, connection)) giveUp(connection);
        }
    }

    /** Ends the connection, and what the server held for it. */
    public void close() {
        var connection = kept.getAndSet(null);
        if (connection != null) giveUp(connection);
    }

    private static void giveUp(Connection connection) {
        try (connection) {
            Transaction.giveUp(connection);
        } catch (SQLException broken) {
            LOG.debug("giving up a connection", broken);
        }
    }
}

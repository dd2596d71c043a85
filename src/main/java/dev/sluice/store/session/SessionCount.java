package dev.sluice.store.session;

import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreUnavailable;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jboss.logging.Logger;

/**
 * How many rows {@code session} has, nearly, and whether there may be more. Other gateways open sessions, too, so it is counted again and
 * again, in the background; in between, the sessions that this gateway opens are added. Any thread may use it.
 */
final class SessionCount {
    private static final Logger LOG = Logger.getLogger(SessionCount.class);

    /** No further than the bound, in the index. */
    private static final String COUNT = "SELECT count(*) FROM (SELECT FROM session LIMIT ?) s";

    private static final String EXISTS = "SELECT FROM session WHERE client_id = ?";

    private static final long AGE = Duration.ofSeconds(30).toNanos();
    /** So long nobody counts again who would be one too many. */
    private static final long FULL = Duration.ofSeconds(1).toNanos();

    private final long most;
    private final AtomicLong known = new AtomicLong();
    private final AtomicBoolean counting = new AtomicBoolean();
    private volatile long countedAt = System.nanoTime() - AGE;
    private volatile long fullAt = System.nanoTime() - FULL;

    /** @param most 0 bounds none */
    SessionCount(long most) {
        this.most = most;
    }

    /** A session was opened that was not there. */
    void added() {
        known.incrementAndGet();
    }

    /** Has the rows counted by somebody else, if that is due. */
    void refresh(StoreCalls calls) {
        if (most == 0 || System.nanoTime() - countedAt < AGE || !counting.compareAndSet(false, true)) return;
        Thread.ofVirtual().name("sluice-session-count").start(() -> {
            try {
                calls.call("counting sessions", connection -> {
                    count(connection);
                    return null;
                });
            } catch (StoreUnavailable | IllegalArgumentException later) {
                LOG.debugf("%s", later.getMessage());
            } finally {
                counting.set(false);
            }
        });
    }

    /** Whether there may be no further session. Nobody is refused because of sessions that have ended since they were added. */
    boolean isFull(Connection connection) throws SQLException {
        if (most == 0 || known.get() < most) return false;
        if (System.nanoTime() - fullAt < FULL || !counting.compareAndSet(false, true)) return true;
        try {
            count(connection);
            if (known.get() < most) return false;
            fullAt = System.nanoTime();
            return true;
        } finally {
            counting.set(false);
        }
    }

    /**
     * There may be no further session.
     *
     * @throws TooManySessions if the client has none yet
     */
    void refuse(Connection connection, String clientId) throws SQLException {
        try (var exists = connection.prepareStatement(EXISTS)) {
            exists.setString(1, clientId);
            try (var rows = exists.executeQuery()) {
                if (!rows.next()) throw new TooManySessions(most);
            }
        }
    }

    private void count(Connection connection) throws SQLException {
        countedAt = System.nanoTime();
        try (var count = connection.prepareStatement(COUNT)) {
            count.setLong(1, most);
            try (var row = count.executeQuery()) {
                row.next();
                known.set(row.getLong(1));
            }
        }
    }
}

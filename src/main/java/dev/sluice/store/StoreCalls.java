package dev.sluice.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/** Asks PostgreSQL and waits for the answer, bounded in number and in time; any virtual thread may call. */
public final class StoreCalls {
    private static final Logger LOG = Logger.getLogger(StoreCalls.class);
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final DataSource dataSource;
    private final StoreHealth health;
    private final BoundedCalls calls;
    private final Duration bound;

    public StoreCalls(DataSource dataSource, StoreHealth health, int concurrency, Duration bound) {
        this(dataSource, health, new BoundedCalls("sluice-store-call", concurrency), bound);
    }

    StoreCalls(DataSource dataSource, StoreHealth health, BoundedCalls calls, Duration bound) {
        this.dataSource = dataSource;
        this.health = health;
        this.calls = calls;
        this.bound = bound;
    }

    /**
     * Runs one transaction on a thread of its own; returns or throws within the bound.
     *
     * @param what is done, for the message of an exception
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     * @throws IllegalArgumentException when PostgreSQL refuses the data
     * @throws RuntimeException what the work itself throws
     */
    public <T> T call(String what, Transaction.Work<T> work) {
        return call(what, bound, work);
    }

    /**
     * The same for the start, which cannot go on without an answer: asks again for a minute while PostgreSQL cannot be asked.
     *
     * @throws StoreUnavailable when it could not be asked for so long
     */
    public <T> T callAtStart(String what, Transaction.Work<T> work) {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return call(what, work);
            } catch (StoreUnavailable away) {
                if (System.nanoTime() - deadline > 0 || Thread.currentThread().isInterrupted()) throw away;
                LOG.warn("the start waits for PostgreSQL: " + away.getMessage());
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        }
    }

    /** The same within another bound, for a caller that has waited already. */
    public <T> T call(String what, Duration within, Transaction.Work<T> work) {
        if (!health.available()) throw new StoreUnavailable("PostgreSQL does not answer", null);
        var attempt = new Attempt<>(work);
        try {
            return calls.call(within, () -> onLiveConnection(attempt));
        } catch (ExecutionException failed) {
            throw asUnchecked(what, failed.getCause(), attempt.giveUp());
        } catch (RejectedExecutionException tooMany) {
            throw new StoreUnavailable(what + ": " + tooMany.getMessage(), tooMany);
        } catch (TimeoutException late) {
            throw new StoreUnavailable(what + ": " + late.getMessage(), late, attempt.giveUp());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailable("interrupted while " + what, interrupted, attempt.giveUp());
        }
    }

    /**
     * After a restart of PostgreSQL the pool may hand out connections that died since; each fails once and is dropped. A wait for a row that
     * others have locked begins again, until the caller's time is up.
     */
    private <T> T onLiveConnection(Attempt<T> attempt) throws SQLException {
        while (true) {
            try (var connection = dataSource.getConnection()) {
                try {
                    return Transaction.run(connection, attempt);
                } catch (SQLException failure) {
                    var kind = SqlFailure.of(failure);
                    if (attempt.isDone()
                            || kind != SqlFailure.CONNECTION && kind != SqlFailure.LOCKED
                            || Thread.currentThread().isInterrupted()) {
                        throw failure;
                    }
                }
            }
        }
    }

    /** Work that knows whether it is done: then what failed is the commit, which may have taken effect and is not to be repeated. */
    private static final class Attempt<T> implements Transaction.Work<T> {
        private enum State {
            UNDER_WAY,
            DONE,
            GIVEN_UP
        }

        private final Transaction.Work<T> work;
        private final AtomicReference<State> state = new AtomicReference<>(State.UNDER_WAY);

        Attempt(Transaction.Work<T> work) {
            this.work = work;
        }

        @Override
        public T on(Connection connection) throws SQLException {
            var result = work.on(connection);
            if (!state.compareAndSet(State.UNDER_WAY, State.DONE)) throw new SQLException("too late");
            return result;
        }

        boolean isDone() {
            return state.get() == State.DONE;
        }

        /** Nothing is committed from now on, unless it may be already: then true. */
        boolean giveUp() {
            return !state.compareAndSet(State.UNDER_WAY, State.GIVEN_UP);
        }
    }

    private static RuntimeException asUnchecked(String what, Throwable cause, boolean inDoubt) {
        return switch (cause) {
            case SQLException refused
            when SqlFailure.of(refused) == SqlFailure.REFUSAL ->
                new IllegalArgumentException("PostgreSQL refuses " + what + ": " + refused.getMessage(), refused);
            case SQLException failed -> new StoreUnavailable(what + ": " + failed.getMessage(), failed, inDoubt);
            case RuntimeException own -> own;
            default -> new IllegalStateException(cause);
        };
    }
}

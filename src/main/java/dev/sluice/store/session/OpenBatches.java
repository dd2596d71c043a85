package dev.sluice.store.session;

import dev.sluice.store.NodeRun;
import dev.sluice.store.SqlFailure;
import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.SessionStore.OpenedSession;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * Owns the sessions that wait to be opened; those that wait together are opened in one transaction. Any virtual thread may call.
 *
 * <p>There is no timer: each of a few workers takes one request and whatever has come meanwhile, so that a single CONNECT waits for
 * nobody, and a storm of them shares round trips and commits. One request must not harm the others of its batch: where PostgreSQL refuses
 * one, or somebody has locked its row, nothing of the batch is committed, and each is opened alone.
 */
final class OpenBatches {
    private static final int MOST = 64;
    /** How much later than its caller a request alone is given up, so that the caller hears of its own time. */
    private static final Duration GRACE = Duration.ofMillis(20);

    private final StoreCalls calls;
    private final Duration bound;
    private final SessionCount count;
    private final NodeRun run;
    private final Semaphore workers;
    private final Queue<Waiting> together = new ConcurrentLinkedQueue<>();
    private final Queue<Waiting> alone = new ConcurrentLinkedQueue<>();
    private volatile Supplier<List<String>> others = List::of;

    OpenBatches(StoreCalls calls, int concurrency, Duration bound, SessionCount count, NodeRun run) {
        this.calls = calls;
        this.bound = bound;
        this.count = count;
        this.run = run;
        this.workers = new Semaphore(concurrency);
    }

    void others(Supplier<List<String>> names) {
        others = names;
    }

    /** As {@link SessionStore#open}. */
    OpenedSession open(OpenRequest request, Duration within) {
        var waiting = new Waiting(request, run.number(), System.nanoTime() + within.toNanos());
        add(together, waiting);
        try {
            return waiting.opened.get(within.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failed) {
            throw (RuntimeException) failed.getCause();
        } catch (TimeoutException late) {
            throw new StoreUnavailable("opening a session: no answer within " + within, late, waiting.giveUp());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailable("interrupted while opening a session", interrupted, waiting.giveUp());
        }
    }

    private void add(Queue<Waiting> queue, Waiting waiting) {
        queue.add(waiting);
        if (workers.tryAcquire()) Thread.ofVirtual().name("sluice-open-batch").start(this::work);
    }

    private void work() {
        do {
            try {
                for (var batch = next(); !batch.isEmpty(); batch = next()) open(batch);
            } finally {
                workers.release();
            }
        } while (!(together.isEmpty() && alone.isEmpty()) && workers.tryAcquire());
    }

    private List<Waiting> next() {
        for (var single = alone.poll(); single != null; single = alone.poll())
            if (single.isWaiting()) return List.of(single);
        var batch = new ArrayList<Waiting>();
        while (batch.size() < MOST && together.poll() instanceof Waiting waiting)
            if (waiting.isWaiting()) batch.add(waiting);
        return batch;
    }

    private void open(List<Waiting> batch) {
        try {
            var left = batch.size() == 1 ? batch.getFirst().left().plus(GRACE) : bound;
            var opened = calls.call("opening a session", left, connection -> ask(connection, batch));
            for (var session : opened) if (session != null && !session.present()) count.added();
            for (int i = 0; i < batch.size(); i++) batch.get(i).answer(opened.get(i));
        } catch (RuntimeException failure) {
            // What may have been committed is not to be done again: the answer would be of another session.
            if (batch.size() == 1 || failure instanceof StoreUnavailable away && away.isInDoubt())
                batch.forEach(waiting -> waiting.opened.completeExceptionally(failure));
            else batch.stream().filter(Waiting::again).forEach(waiting -> add(alone, waiting));
        }
    }

    private List<OpenedSession> ask(Connection connection, List<Waiting> batch) throws SQLException {
        if (count.isFull(connection)) {
            if (batch.size() > 1) throw new SQLException("as many sessions as may be: each alone");
            count.refuse(connection, batch.getFirst().request.clientId());
        }
        var requests = batch.stream().map(waiting -> waiting.request).toList();
        var since = batch.stream().mapToLong(waiting -> waiting.since).min().orElseThrow();
        var opened = batch.size() == 1
                ? OpenStatement.open(connection, requests, others.get(), since, true)
                : together(connection, requests, since);
        for (var waiting : batch) if (!waiting.commit()) throw new SQLException("too late");
        return opened;
    }

    private List<OpenedSession> together(Connection connection, List<OpenRequest> requests, long since)
            throws SQLException {
        try {
            return OpenStatement.open(connection, requests, others.get(), since, false);
        } catch (SQLException failure) {
            if (SqlFailure.of(failure) != SqlFailure.LOCKED) throw failure;
            throw new SQLException("a row is locked: each alone", failure);
        }
    }

    /** One request, and whether its caller still waits: nothing is committed for one that has given up, unless it may be already. */
    private static final class Waiting {
        private enum State {
            UNDER_WAY,
            COMMITTING,
            GIVEN_UP
        }

        private final OpenRequest request;
        /** The run of this gateway in which it was asked for: once that is dead, the client is elsewhere. */
        private final long since;

        private final long deadline;
        private final CompletableFuture<OpenedSession> opened = new CompletableFuture<>();
        private final AtomicReference<State> state = new AtomicReference<>(State.UNDER_WAY);

        Waiting(OpenRequest request, long since, long deadline) {
            this.request = request;
            this.since = since;
            this.deadline = deadline;
        }

        /** @param session null for one that is another identity's */
        void answer(OpenedSession session) {
            if (session == null) opened.completeExceptionally(new ForeignSession());
            else opened.complete(session);
        }

        Duration left() {
            return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
        }

        boolean isWaiting() {
            return state.get() != State.GIVEN_UP;
        }

        boolean commit() {
            return state.compareAndSet(State.UNDER_WAY, State.COMMITTING);
        }

        /** After a transaction that was not committed: whether somebody still waits for another one. */
        boolean again() {
            state.compareAndSet(State.COMMITTING, State.UNDER_WAY);
            return isWaiting();
        }

        /** Returns whether it may have been opened all the same. */
        boolean giveUp() {
            return state.getAndSet(State.GIVEN_UP) == State.COMMITTING;
        }
    }
}

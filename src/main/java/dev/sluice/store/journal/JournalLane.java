package dev.sluice.store.journal;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.StoreConfig;
import dev.sluice.store.SqlFailure;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.Transaction;
import dev.sluice.store.delivery.Orphans;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.store.journal.JournalWrite.Outcome;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jboss.logging.Logger;
import org.jboss.logging.Logger.Level;

/**
 * Owns one bounded queue of writes and the virtual thread that commits them; any thread may offer. There is no timer: the thread
 * takes one write and whatever queued during the last commit, so an idle lane answers after one commit, and a busy one in batches.
 */
final class JournalLane {
    private static final Logger LOG = Logger.getLogger(JournalLane.class);
    /** How often a batch may fail before it is divided, to find out whether one of its writes is to blame. */
    private static final int ATTEMPTS = 3;

    private final int number;
    private final DataSource dataSource;
    private final StoreHealth health;
    private final JournalMeters meters;
    private final Orphans orphans;
    private final RetainedTopics retained;
    private final Consumer<List<QueuedElsewhere>> elsewhere;
    private final ThrottledLog locked = new ThrottledLog(LOG);
    private final LaneState state;
    private final LaneQueue queue;
    private final Thread thread;
    private volatile int inHand;
    private volatile boolean abandoned;

    private JournalLane(
            int number,
            DataSource dataSource,
            StoreConfig config,
            String node,
            StoreHealth health,
            JournalMeters meters,
            Orphans orphans,
            RetainedTopics retained,
            Consumer<List<QueuedElsewhere>> elsewhere) {
        this.number = number;
        this.dataSource = dataSource;
        this.health = health;
        this.meters = meters;
        this.orphans = orphans;
        this.retained = retained;
        this.elsewhere = elsewhere;
        this.state = new LaneState(node, QueueBounds.of(config));
        this.queue = new LaneQueue(config, accept -> settleRetained(accept, Set.of()));
        this.thread = Thread.ofVirtual().name("sluice-" + this).unstarted(this::run);
    }

    static JournalLane start(
            int number,
            DataSource dataSource,
            StoreConfig config,
            String node,
            StoreHealth health,
            JournalMeters meters,
            Orphans orphans,
            RetainedTopics retained,
            Consumer<List<QueuedElsewhere>> elsewhere) {
        var lane = new JournalLane(number, dataSource, config, node, health, meters, orphans, retained, elsewhere);
        lane.thread.start();
        return lane;
    }

    boolean offer(JournalWrite write) {
        return queue.offer(write);
    }

    /** Whether its thread takes writes; false once it has ended, for whatever reason. */
    boolean isAlive() {
        return thread.isAlive();
    }

    boolean hasRoom() {
        return queue.hasRoom();
    }

    int queued() {
        return queue.size();
    }

    /** Lets the thread end after what is queued now; waits that long for room in the queue to say so. */
    void finish(long nanos) throws InterruptedException {
        queue.end(nanos);
    }

    /** Waits for the thread to end, then makes it; returns how many writes were taken and not confirmed. */
    int stop(long nanos) throws InterruptedException {
        if (thread.join(Duration.ofNanos(Math.max(nanos, 1)))) return 0;
        abandoned = true;
        var left = inHand + queue.size();
        thread.interrupt();
        return left;
    }

    @Override
    public String toString() {
        return "journal-lane-" + number;
    }

    private void run() {
        var batch = new ArrayList<JournalWrite>();
        try {
            while (queue.fill(batch)) {
                inHand = batch.size();
                settle(batch);
                inHand = 0;
                batch.clear();
                resume(queue.inHand());
            }
        } catch (InterruptedException _) {
            LOG.debugf("%s interrupted with %d writes in hand", this, batch.size());
        }
    }

    /** @param large null for none */
    private void resume(Instalments large) throws InterruptedException {
        if (large == null || !large.takeMayBeRepeat()) return;
        try {
            commit(large::resume, () -> false, 1);
        } catch (Unwritten refused) {
            LOG.warnf("PostgreSQL refuses a write of %s: %s", large.clientId(), refused.getMessage());
            large.refuse();
        }
    }

    /** Halves a batch that cannot be written until the bad write stands alone; the others do not suffer for it. */
    private void settle(List<JournalWrite> writes) throws InterruptedException {
        if (writes.isEmpty()) return;
        try {
            var batch = new JournalBatch(writes, state);
            var start = System.nanoTime();
            var written = commit(batch::write, batch::isInDoubt, writes.size());
            meters.commit().record(System.nanoTime() - start, TimeUnit.NANOSECONDS);
            meters.batch().record(writes.size());
            settled(writes, written);
        } catch (Unwritten unwritten) {
            if (writes.size() == 1) {
                var write = writes.getFirst();
                LOG.warnf("PostgreSQL refuses a write of %s: %s", write.clientId(), unwritten.getMessage());
                settleRetained(write, Set.of());
                tell(write, Outcome.REFUSED);
                return;
            }
            var half = writes.size() / 2;
            settle(writes.subList(0, half));
            settle(writes.subList(half, writes.size()));
        }
    }

    private void settled(List<JournalWrite> writes, JournalBatch.Written written) {
        orphans.suspect(written.orphans());
        if (!written.elsewhere().isEmpty()) tell(written.elsewhere());
        for (var write : writes) settleRetained(write, written.retained());
        for (int i = 0; i < writes.size(); i++)
            tell(writes.get(i), written.outcomes().get(i));
        written.excess().forEach(this::trim);
    }

    /** Tries until PostgreSQL commits, refuses, or fails several times; nothing that passes is ever an outcome of a single write. */
    private <T> T commit(Transaction.Work<T> work, BooleanSupplier isInDoubt, int size)
            throws InterruptedException, Unwritten {
        for (int attempt = 1; ; attempt++) {
            try {
                return Transaction.run(dataSource, work);
            } catch (SQLException | RuntimeException | Error failure) {
                var kind = SqlFailure.of(failure);
                if (kind == SqlFailure.REFUSAL) throw new Unwritten(failure);
                if (attempt >= ATTEMPTS && !isInDoubt.getAsBoolean() && (size > 1 || kind == SqlFailure.BUG)) {
                    LOG.logf(
                            kind == SqlFailure.BUG ? Level.ERROR : Level.WARN,
                            failure,
                            "%s cannot write %d changes together, and %s",
                            this,
                            size,
                            size > 1 ? "divides them" : "gives this one up");
                    throw new Unwritten(failure);
                }
                meters.retries().increment();
                pause(attempt, kind, failure);
            }
        }
    }

    /** The first failure is tried again at once: a deadlock, or one dead connection in the pool. So is a wait for a lock, which takes long enough. */
    private void pause(int attempt, SqlFailure kind, Throwable failure) throws InterruptedException {
        if (abandoned) throw new InterruptedException();
        if (kind == SqlFailure.LOCKED) {
            locked.warn(this
                    + " waits for rows that another transaction keeps locked, perhaps of a gateway that is frozen");
        } else if (attempt > 1) {
            // A lost connection is told by StoreHealth; anything else, and one that is lost again and again, may be an
            // operator's to mend.
            var quiet = kind == SqlFailure.CONNECTION && attempt < ATTEMPTS;
            LOG.logf(quiet ? Level.DEBUG : Level.WARN, "%s tries again: %s", this, failure);
            health.awaitAnswer();
        }
    }

    /** A failure is no reason to hold up the lane: the next message for the queue makes it be tried again. */
    private void trim(long sessionId) {
        try {
            QueueTrim.Trimmed trimmed;
            do {
                trimmed = QueueTrim.trim(dataSource, sessionId, state.bounds());
                meters.droppedOldest().increment(trimmed.count());
                orphans.suspect(trimmed.orphans());
            } while (trimmed.mayGoOn());
        } catch (SQLException | RuntimeException | Error failure) {
            LOG.warnf("%s: a queue stays above its bounds for now: %s", this, failure.getMessage());
        }
    }

    /** Before anybody hears of the commit: who subscribes after that has to find the message. */
    private void settleRetained(JournalWrite write, Set<Long> stamps) {
        if (write instanceof JournalWrite.Accept accept && accept.retain())
            retained.settled(accept.message(), accept.stamp(), stamps.contains(accept.stamp()));
    }

    private void tell(List<QueuedElsewhere> queued) {
        try {
            elsewhere.accept(queued);
        } catch (RuntimeException | Error failure) {
            LOG.error("other gateways cannot be told of messages for their clients", failure);
        }
    }

    private void tell(JournalWrite write, Outcome outcome) {
        try {
            meters.count(write, outcome);
            write.done().accept(outcome);
        } catch (RuntimeException | Error failure) {
            // One client's completion must not end the lane of all others.
            LOG.error("a completion of the journal failed", failure);
        }
    }

    /** The batch is not written, and is not tried again as a whole; nothing of it is applied. */
    private static final class Unwritten extends Exception {
        private static final long serialVersionUID = 1L;

        Unwritten(Throwable cause) {
            super(cause instanceof SQLException ? cause.getMessage() : cause.toString(), cause, false, false);
        }
    }
}

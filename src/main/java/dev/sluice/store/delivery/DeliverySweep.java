package dev.sluice.store.delivery;

import dev.sluice.clock.Repeating;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import dev.sluice.store.Rows;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.SweepTurn;
import dev.sluice.store.Transaction;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.sql.Array;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/**
 * Deletes what ended sessions left, and messages whose time is over: one virtual thread of one gateway sweeps, in small transactions that step
 * around rows somebody else has locked, so that it does no harm if two sweep for a moment. Messages that a gateway itself suspects to be
 * owed to nobody it deletes itself.
 */
@ApplicationScoped
public class DeliverySweep {
    private static final Logger LOG = Logger.getLogger(DeliverySweep.class);
    private static final Duration REAP_INTERVAL = Duration.ofSeconds(1);
    private static final int ENDED_AT_ONCE = 100;

    private static final String ENDED =
            "SELECT id FROM ended_session WHERE id > ? ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED";

    /** From here on nobody can put messages in: who did so before has committed. */
    private static final String CLOSE_QUEUES = """
            DELETE FROM queue WHERE session_id = ANY (ARRAY(
                SELECT session_id FROM queue WHERE session_id = ANY (?) FOR UPDATE SKIP LOCKED))""";

    private static final String EMPTY_QUEUES = """
            WITH gone AS (
                DELETE FROM queued WHERE (session_id, seq) IN (
                    SELECT session_id, seq FROM queued
                     WHERE session_id = ANY (?) AND NOT (share IS NOT NULL AND qos = 1) LIMIT ?)
                RETURNING message_id)
            SELECT count(*) AS deleted, array_agg(DISTINCT message_id) FILTER (WHERE message_id IS NOT NULL) AS messages
              FROM gone""";

    private static final String FORGET_ENDED = """
            WITH done AS (
                DELETE FROM ended_session e
                 WHERE e.id = ANY (?) AND NOT EXISTS (SELECT FROM queue q WHERE q.session_id = e.id)
                   AND NOT EXISTS (SELECT FROM queued r WHERE r.session_id = e.id) RETURNING e.id),
            subscriptions AS (DELETE FROM subscription b USING done WHERE b.session_id = done.id),
            counters AS (DELETE FROM queue_out o USING done WHERE o.session_id = done.id)
            SELECT count(*) FROM done""";

    /** Far longer than any outage that a lane could be waiting for the end of. */
    private static final String FORGET_LANES = """
            DELETE FROM lane WHERE id = ANY (ARRAY(
                SELECT id FROM lane WHERE written_at < now() - interval '30 days' LIMIT ? FOR UPDATE SKIP LOCKED))""";

    private final DataSource dataSource;
    private final StoreConfig config;
    private final StoreHealth health;
    private final SweepTurn turn;
    private final Orphans orphans;
    private final SharedSweep shared;
    private final QueueExpiry queues;
    private final RetainedSweep retained;
    private final Repeating sweeping = Repeating.onVirtualThread("sluice-delivery-sweep");
    private long sweptAt;

    @Inject
    public DeliverySweep(
            DataSource dataSource,
            StoreConfig config,
            StoreHealth health,
            SweepTurn turn,
            Orphans orphans,
            BoundedMessages messages,
            RetainedTopics retained,
            MeterRegistry meters,
            Event<OrphanedDeliveries> redelivery) {
        this(dataSource, config, health, turn, orphans, messages, retained, meters, redelivery::fire);
    }

    public DeliverySweep(
            DataSource dataSource,
            StoreConfig config,
            StoreHealth health,
            SweepTurn turn,
            Orphans orphans,
            BoundedMessages messages,
            RetainedTopics retained,
            MeterRegistry meters,
            Consumer<OrphanedDeliveries> redelivery) {
        this.dataSource = dataSource;
        this.config = config;
        this.health = health;
        this.turn = turn;
        this.orphans = orphans;
        this.shared = new SharedSweep(dataSource, orphans, messages, redelivery, config.sweepBatch());
        this.queues = new QueueExpiry(dataSource, orphans, config.sweepBatch(), meters);
        this.retained = new RetainedSweep(dataSource, retained, config.sweepBatch(), meters);
    }

    void start(@Observes @Priority(StartOrder.SWEEPS) StartupEvent event) {
        sweptAt = System.nanoTime();
        sweeping.every(REAP_INTERVAL, this::sweepIfAvailable);
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        sweeping.stop();
    }

    /**
     * One step through the ended sessions.
     *
     * @param done sessions of which all is gone
     * @param messages that were deleted
     * @param next the number behind which there may be more sessions; null if there are none
     */
    private record Swept(int done, int messages, List<Long> orphans, Long next) {}

    /** Blocking: deletes queues and subscriptions of ended sessions; returns of how many sessions all is gone. */
    public int sweepEnded() throws SQLException {
        var total = 0;
        shared.begin();
        for (Long next = 0L; next != null; ) {
            var after = next;
            // Committed first, so that a lane that waits for one of the queues goes on: what it writes is given to
            // others, too.
            Transaction.run(dataSource, connection -> ended(connection, after));
            shared.offer(connection -> array(connection, ended(connection, after)));
            Swept swept;
            do {
                swept = Transaction.run(dataSource, connection -> sweepEnded(connection, after));
                orphans.suspect(swept.orphans());
                total += swept.done();
            } while (swept.messages() == config.sweepBatch());
            next = swept.next();
        }
        shared.end();
        return total;
    }

    /** Locks some ended sessions behind that number, and closes their queues. */
    private static List<Long> ended(Connection connection, long after) throws SQLException {
        try (var ended = connection.prepareStatement(ENDED);
                var close = connection.prepareStatement(CLOSE_QUEUES)) {
            ended.setLong(1, after);
            ended.setInt(2, ENDED_AT_ONCE);
            var sessions = Rows.longs(ended);
            close.setArray(1, array(connection, sessions));
            close.executeUpdate();
            return sessions;
        }
    }

    private static Array array(Connection connection, List<Long> sessions) throws SQLException {
        return connection.createArrayOf("int8", sessions.toArray());
    }

    private Swept sweepEnded(Connection connection, long after) throws SQLException {
        var ended = ended(connection, after);
        var sessions = array(connection, ended);
        try (var empty = connection.prepareStatement(EMPTY_QUEUES);
                var forget = connection.prepareStatement(FORGET_ENDED)) {
            empty.setArray(1, sessions);
            empty.setInt(2, config.sweepBatch());
            try (var row = empty.executeQuery()) {
                row.next();
                var messages = row.getInt("deleted");
                forget.setArray(1, sessions);
                var done = messages < config.sweepBatch()
                        ? Rows.longs(forget).getFirst().intValue()
                        : 0;
                var next = ended.size() == ENDED_AT_ONCE ? ended.getLast() : null;
                return new Swept(done, messages, Rows.array(row, "messages"), next);
            }
        }
    }

    /** Blocking: deletes expired messages from the queues of sessions without a connection; returns how many. */
    public int sweepQueued() throws SQLException {
        return queues.expire();
    }

    /** Blocking: deletes retained messages that have expired; returns how many. */
    public int sweepRetained() throws SQLException {
        return retained.expire();
    }

    /** Blocking: deletes what was cleared long ago; returns how many rows. */
    public int sweepCleared() throws SQLException {
        return sweepBatches(RetainedSweep.FORGET_CLEARED);
    }

    private int sweepBatches(String sql) throws SQLException {
        var total = 0;
        int batch;
        do {
            batch = Transaction.run(dataSource, connection -> {
                try (var delete = connection.prepareStatement(sql)) {
                    delete.setInt(1, config.sweepBatch());
                    return delete.executeUpdate();
                }
            });
            total += batch;
        } while (batch == config.sweepBatch());
        return total;
    }

    /** All its parts: one that fails does not keep the others from their work. */
    void sweep() {
        for (var part : List.<Part>of(
                this::sweepEnded,
                this::sweepQueued,
                this::sweepRetained,
                this::sweepCleared,
                () -> sweepBatches(FORGET_LANES))) guarded(part);
    }

    private void sweepIfAvailable() {
        if (!health.available()) return;
        var due = System.nanoTime() - sweptAt >= config.sweepInterval().toNanos();
        if (due) sweptAt = System.nanoTime();
        guarded(orphans::reap);
        if (due && turn.isOurs()) sweep();
        if (due && (turn.isOurs() || orphans.areDropped())) guarded(orphans::search);
    }

    @FunctionalInterface
    private interface Part {
        int sweep() throws SQLException;
    }

    private static void guarded(Part part) {
        try {
            part.sweep();
        } catch (SQLException | RuntimeException failure) {
            LOG.warnf("sweeping messages, to be tried again: %s", failure.getMessage());
        }
    }
}

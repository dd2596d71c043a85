package dev.sluice.store.delivery;

import dev.sluice.clock.Repeating;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import dev.sluice.store.Rows;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.StoredMessage;
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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;
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

    private static final String ENDED = "SELECT id FROM ended_session ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED";

    /** From here on nobody can put messages in: who did so before has committed. */
    private static final String CLOSE_QUEUES = """
            DELETE FROM queue WHERE session_id = ANY (ARRAY(
                SELECT session_id FROM queue WHERE session_id = ANY (?) FOR UPDATE SKIP LOCKED))""";

    /** As many as are handled together have few bytes. */
    private static final long SHARED_BYTES = 1024 * 1024;

    /** What Shared Subscriptions chose ended sessions for, and may choose others for: at QoS 2 a delivery may have begun [MQTT-4.8.2-5]. */
    private static final String SHARED =
            """
            SELECT p.*, %s AS millis_left
              FROM (SELECT q.*, sum(q.weight) OVER (ORDER BY q.session_id, q.seq) AS upto
                      FROM (SELECT r.session_id, r.seq, r.share, r.message_qos, r.message_retain, r.expires_at, r.message_id,
                                   coalesce(r.topic, m.topic) AS topic, coalesce(r.properties, m.properties) AS properties,
                                   coalesce(r.payload, m.payload) AS payload, %s AS weight
                              FROM (SELECT * FROM queued WHERE session_id = ANY (?) AND share IS NOT NULL AND qos = 1
                                     ORDER BY session_id, seq LIMIT ?) r
                              LEFT JOIN message m ON m.id = r.message_id) q) p
             WHERE p.upto <= greatest(?, p.weight)
             ORDER BY p.session_id, p.seq""".formatted(StoredMessage.MILLIS_LEFT.formatted("p.expires_at"), StoredMessage.WEIGHT);

    private static final String DELETE_SHARED = """
            DELETE FROM queued q USING unnest(?::bigint[], ?::bigint[]) AS w(session_id, seq)
             WHERE q.session_id = w.session_id AND q.seq = w.seq""";

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
    private final BoundedMessages messages;
    private final Consumer<OrphanedDeliveries> redelivery;
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
        this.redelivery = redelivery;
        this.dataSource = dataSource;
        this.config = config;
        this.health = health;
        this.turn = turn;
        this.orphans = orphans;
        this.messages = messages;
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

    private record Swept(int done, int messages, List<Long> orphans) {}

    /** Blocking: deletes queues and subscriptions of ended sessions; returns of how many sessions all is gone. */
    public int sweepEnded() throws SQLException {
        var total = 0;
        Swept swept;
        do {
            // Committed first, so that a lane that waits for one of the queues goes on: what it writes is given to
            // others, too.
            Transaction.run(dataSource, DeliverySweep::ended);
            while (redeliverShared() > 0) {}
            do {
                swept = Transaction.run(dataSource, this::sweepEnded);
                orphans.suspect(swept.orphans());
                total += swept.done();
            } while (swept.messages() == config.sweepBatch());
        } while (swept.done() == ENDED_AT_ONCE);
        return total;
    }

    /** Locks some ended sessions, and closes their queues. */
    private static Array ended(Connection connection) throws SQLException {
        try (var ended = connection.prepareStatement(ENDED);
                var close = connection.prepareStatement(CLOSE_QUEUES)) {
            ended.setInt(1, ENDED_AT_ONCE);
            var sessions = connection.createArrayOf("int8", Rows.longs(ended).toArray(Long[]::new));
            close.setArray(1, sessions);
            close.executeUpdate();
            return sessions;
        }
    }

    /** Returns how many of the messages are done; they are deleted only then, in a transaction of their own. */
    private int redeliverShared() throws SQLException {
        var found = Transaction.run(dataSource, this::orphaned).stream()
                .collect(Collectors.partitioningBy(each -> messages.isAbove(each.message())));
        var orphaned = new OrphanedDeliveries(found.get(false));
        delete(found.get(true));
        if (orphaned.deliveries().isEmpty()) return found.get(true).size();
        try {
            redelivery.accept(orphaned);
        } finally {
            delete(orphaned.done());
        }
        return orphaned.done().size() + found.get(true).size();
    }

    private List<OrphanedDelivery> orphaned(Connection connection) throws SQLException {
        try (var shared = connection.prepareStatement(SHARED)) {
            shared.setArray(1, ended(connection));
            shared.setInt(2, config.sweepBatch());
            shared.setLong(3, SHARED_BYTES);
            var deliveries = new ArrayList<OrphanedDelivery>();
            try (var rows = shared.executeQuery()) {
                while (rows.next())
                    deliveries.add(new OrphanedDelivery(
                            rows.getLong("session_id"),
                            rows.getLong("seq"),
                            rows.getObject("message_id", Long.class),
                            rows.getString("share"),
                            messages.read(rows)));
            }
            return deliveries;
        }
    }

    private void delete(List<OrphanedDelivery> reported) throws SQLException {
        if (reported.isEmpty()) return;
        // In one order, so that two gateways that delete the same rows cannot wait for each other.
        var done = reported.stream()
                .sorted(Comparator.comparingLong(OrphanedDelivery::sessionId).thenComparingLong(OrphanedDelivery::seq))
                .toList();
        Transaction.run(dataSource, connection -> {
            try (var delete = connection.prepareStatement(DELETE_SHARED)) {
                var sessions = done.stream().map(OrphanedDelivery::sessionId).toArray();
                var places = done.stream().map(OrphanedDelivery::seq).toArray();
                delete.setArray(1, connection.createArrayOf("int8", sessions));
                delete.setArray(2, connection.createArrayOf("int8", places));
                return delete.executeUpdate();
            }
        });
        orphans.suspect(done.stream()
                .map(OrphanedDelivery::messageId)
                .filter(Objects::nonNull)
                .toList());
    }

    private Swept sweepEnded(Connection connection) throws SQLException {
        var sessions = ended(connection);
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
                return new Swept(done, messages, Rows.array(row, "messages"));
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

    private void sweep() throws SQLException {
        sweepEnded();
        sweepQueued();
        sweepRetained();
        sweepCleared();
        sweepBatches(FORGET_LANES);
    }

    private void sweepIfAvailable() {
        if (!health.available()) return;
        var due = System.nanoTime() - sweptAt >= config.sweepInterval().toNanos();
        if (due) sweptAt = System.nanoTime();
        try {
            orphans.reap();
            if (due && turn.isOurs()) sweep();
            if (due && (turn.isOurs() || orphans.areDropped())) orphans.search();
        } catch (SQLException | RuntimeException failure) {
            LOG.warnf("sweeping messages, to be tried again: %s", failure.getMessage());
        }
    }
}

package dev.sluice.store.delivery;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.store.StoredMessage;
import dev.sluice.store.Transaction;
import java.sql.Array;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/**
 * Offers what Shared Subscriptions chose ended sessions for to whoever knows the other members, page by page, and deletes what those have.
 * Confined to the sweep's thread.
 *
 * <p>A page of which nobody gets anything is the last one of a sweep, and the next sweep begins behind it: a message that cannot be given
 * does not keep the others back, and while none can, they are not all read each time.
 */
final class SharedSweep {
    /** As many as are handled together have few bytes. */
    private static final long PAGE_BYTES = 1024 * 1024;

    /** What Shared Subscriptions chose ended sessions for, and may choose others for: at QoS 2 a delivery may have begun [MQTT-4.8.2-5]. */
    private static final String PAGE =
            """
            SELECT p.*, %s AS millis_left
              FROM (SELECT q.*, sum(q.weight) OVER (ORDER BY q.session_id, q.seq) AS upto
                      FROM (SELECT r.session_id, r.seq, r.share, r.message_qos, r.message_retain, r.expires_at, r.message_id,
                                   coalesce(r.topic, m.topic) AS topic, coalesce(r.properties, m.properties) AS properties,
                                   coalesce(r.payload, m.payload) AS payload, %s AS weight
                              FROM (SELECT * FROM queued
                                     WHERE session_id = ANY (?) AND (session_id, seq) > (?, ?) AND share IS NOT NULL AND qos = 1
                                     ORDER BY session_id, seq LIMIT ?) r
                              LEFT JOIN message m ON m.id = r.message_id) q) p
             WHERE p.upto <= greatest(?, p.weight)
             ORDER BY p.session_id, p.seq""".formatted(StoredMessage.MILLIS_LEFT.formatted("p.expires_at"), StoredMessage.WEIGHT);

    private static final String DELETE = """
            DELETE FROM queued q USING unnest(?::bigint[], ?::bigint[]) AS w(session_id, seq)
             WHERE q.session_id = w.session_id AND q.seq = w.seq""";

    private final DataSource dataSource;
    private final Orphans orphans;
    private final BoundedMessages messages;
    private final Consumer<OrphanedDeliveries> redelivery;
    private final int most;
    private final ThrottledLog complaints = new ThrottledLog(Logger.getLogger(SharedSweep.class));
    /** The place in a queue that all have been offered up to. */
    private long sessionId;

    private long seq;
    private boolean isStuck;

    /** @param most messages of one page */
    SharedSweep(
            DataSource dataSource,
            Orphans orphans,
            BoundedMessages messages,
            Consumer<OrphanedDeliveries> redelivery,
            int most) {
        this.dataSource = dataSource;
        this.orphans = orphans;
        this.messages = messages;
        this.redelivery = redelivery;
        this.most = most;
    }

    /** A sweep begins. */
    void begin() {
        isStuck = false;
    }

    /**
     * Blocking: offers what some sessions have left, unless a page of others was the last one of this sweep.
     *
     * @param ended locks them; in the order of their numbers, as they come from call to call
     */
    void offer(Transaction.Work<Array> ended) throws SQLException {
        while (!isStuck) {
            var page = Transaction.run(dataSource, connection -> page(connection, ended.on(connection)));
            if (page.isEmpty()) return;
            sessionId = page.getLast().sessionId();
            seq = page.getLast().seq();
            isStuck = offer(page) == 0;
        }
    }

    /** All sessions have had their turn. */
    void end() {
        if (isStuck) return;
        sessionId = 0;
        seq = 0;
    }

    /** Returns how many of the messages are done; they are deleted only then, in a transaction of their own. */
    private int offer(List<OrphanedDelivery> page) throws SQLException {
        var found = page.stream().collect(Collectors.partitioningBy(each -> messages.isAbove(each.message())));
        delete(found.get(true));
        var orphaned = new OrphanedDeliveries(found.get(false));
        try {
            if (!orphaned.deliveries().isEmpty()) redelivery.accept(orphaned);
        } catch (RuntimeException failure) {
            complaints.warn(
                    "what ended sessions leave to other members of their Shared Subscriptions stays in PostgreSQL, and is offered to them again: "
                            + failure.getMessage());
        } finally {
            delete(orphaned.done());
        }
        return orphaned.done().size() + found.get(true).size();
    }

    private List<OrphanedDelivery> page(Connection connection, Array ended) throws SQLException {
        try (var page = connection.prepareStatement(PAGE)) {
            page.setArray(1, ended);
            page.setLong(2, sessionId);
            page.setLong(3, seq);
            page.setInt(4, most);
            page.setLong(5, PAGE_BYTES);
            var deliveries = new ArrayList<OrphanedDelivery>();
            try (var rows = page.executeQuery()) {
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
            try (var delete = connection.prepareStatement(DELETE)) {
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
}

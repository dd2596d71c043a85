package dev.sluice.store.journal;

import dev.sluice.store.journal.JournalStatement.Column;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.ForgetReceived;
import dev.sluice.store.session.StoredSubscription;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The journal's SQL about sessions, their subscriptions and what they hold of a publisher. Stateless. */
final class SessionStatements {
    /**
     * The row locks are the fence: an open of the same session waits until this transaction ends, or this one waits for the open and then
     * sees its new epoch. Reading the epoch without the locks would let an open and a stale write pass each other.
     */
    private static final String LOCK = """
            SELECT w.n FROM unnest(?::text[], ?::bigint[]) WITH ORDINALITY AS w(client_id, epoch, n)
              JOIN session s ON s.client_id = w.client_id AND s.epoch = w.epoch
             ORDER BY w.client_id FOR %s OF s""";

    /**
     * Fails unless all owners still own their sessions. What follows in the transaction needs to look no more, and locks no rows of sessions
     * that others have. Nor does it wait for session rows any more while it holds others: those of sessions that it closes are locked as
     * that needs, from the beginning.
     */
    private static final String FENCE = "SELECT require_all(count(*), (?::integer[])[1]) FROM (" + LOCK + ") held";

    /** SQLSTATE of the fence, where a session has another owner. */
    private static final String FENCED = "SL001";

    /** Joined with the session, since without one it would not be refused by the fence alone, but by the foreign key. */
    private static final String REMEMBER = """
            INSERT INTO received (client_id, packet_id, message_id)
            SELECT w.* FROM unnest(?::text[], ?::integer[], ?::text[]) AS w(client_id, packet_id, message_id)
              JOIN session s ON s.client_id = w.client_id
            ON CONFLICT (client_id, packet_id) DO UPDATE SET message_id = excluded.message_id""";

    private static final String FORGET = """
            DELETE FROM received r USING unnest(?::text[], ?::integer[]) AS w(client_id, packet_id)
             WHERE r.client_id = w.client_id AND r.packet_id = w.packet_id""";

    /** Of the sessions of {@code w}. A gateway that has missed what is told of the change finds them by the time. */
    private static final String CHANGED = """
            changed AS (
                UPDATE queue_out o SET subscriptions_changed_at = now()
                 WHERE o.session_id IN (SELECT w.session_id FROM w))""";

    /** Only of a session with a queue: one that ends with its connection has nothing that is swept after it. */
    private static final String SUBSCRIBE = """
            WITH w AS MATERIALIZED (
                SELECT s.id AS session_id, w.*
                  FROM unnest(?::text[], ?::text[], ?::integer[], ?::boolean[], ?::boolean[], ?::integer[], ?::integer[], ?::bigint[])
                       AS w(client_id, filter, qos, no_local, retain_as_published, retain_handling, identifier, retained)
                  JOIN session s ON s.client_id = w.client_id
                  JOIN queue q ON q.session_id = s.id),
            %s
            INSERT INTO subscription AS b
                (session_id, filter, qos, no_local, retain_as_published, retain_handling, identifier, retained_since)
            SELECT w.session_id, w.filter, w.qos, w.no_local, w.retain_as_published, w.retain_handling, w.identifier,
                   nullif(w.retained, 0)
              FROM w
            ON CONFLICT (session_id, left(filter, 400), hashtextextended(filter, 0)) DO UPDATE
               SET qos = excluded.qos, no_local = excluded.no_local, retain_as_published = excluded.retain_as_published,
                   retain_handling = excluded.retain_handling, identifier = excluded.identifier,
                   retained_since = CASE WHEN excluded.retained_since = -1 THEN b.retained_since ELSE excluded.retained_since END,
                   retained_after = CASE WHEN excluded.retained_since = -1 THEN b.retained_after END""".formatted(CHANGED);

    private static final String UNSUBSCRIBE = """
            WITH w AS MATERIALIZED (
                SELECT s.id AS session_id, w.filter
                  FROM unnest(?::text[], ?::text[]) AS w(client_id, filter) JOIN session s ON s.client_id = w.client_id),
            %s
            DELETE FROM subscription b USING w
             WHERE b.session_id = w.session_id AND left(b.filter, 400) = left(w.filter, 400)
               AND hashtextextended(b.filter, 0) = hashtextextended(w.filter, 0) AND b.filter = w.filter""".formatted(CHANGED);

    /**
     * A session that ends takes its will along by the trigger of its table, at once; one that goes on, after the delay. Behind the fence,
     * so that it sees what the sweep has passed over.
     */
    private static final String CLOSE = """
            WITH w AS (
                SELECT w.*, s.id
                  FROM unnest(?::text[], ?::bigint[], ?::integer[], ?::bigint[], ?::boolean[])
                       AS w(client_id, expiry_seconds, reason, sent_seq, publish_will)
                  JOIN session s ON s.client_id = w.client_id),
            withdrawn AS (
                DELETE FROM will v USING w
                 WHERE v.client_id = w.client_id AND v.due_at IS NULL AND NOT w.publish_will),
            due AS (
                UPDATE will v SET due_at = now() + least(v.delay_seconds, w.expiry_seconds) * interval '1 second' FROM w
                 WHERE v.client_id = w.client_id AND v.due_at IS NULL AND w.publish_will AND w.expiry_seconds > 0),
            sent AS (
                UPDATE queue_out o SET sent_seq = w.sent_seq FROM w
                 WHERE o.session_id = w.id AND o.sent_seq < w.sent_seq),
            passed_over AS (
                INSERT INTO left_queue SELECT w.id FROM w
                 WHERE w.expiry_seconds > 0 AND EXISTS (SELECT FROM queued q WHERE q.session_id = w.id AND q.passed_over)
                ON CONFLICT DO NOTHING),
            ended AS (
                DELETE FROM session s USING w WHERE s.client_id = w.client_id AND w.expiry_seconds = 0)
            UPDATE session s
               SET connected = false, disconnected_at = now(), last_disconnect_reason = w.reason,
                   expiry_seconds = w.expiry_seconds,
                   expires_at = CASE WHEN w.expiry_seconds < 4294967295
                       THEN now() + w.expiry_seconds * interval '1 second' END
              FROM w
             WHERE s.client_id = w.client_id AND w.expiry_seconds <> 0""";

    /** Of connections that a later one has fenced: what opened the session left them for a while, and nobody publishes them yet. */
    private static final String WITHDRAW_WILLS = """
            DELETE FROM will v USING unnest(?::text[], ?::bigint[]) AS w(client_id, epoch)
             WHERE v.client_id = w.client_id AND v.epoch = w.epoch AND NOT v.delivered
               AND (v.leased_until IS NULL OR v.leased_until <= now())""";

    private SessionStatements() {}

    /** Whose write it is. */
    record Owner(String clientId, long epoch) {}

    /**
     * One subscription of a client; with a filter only, one that is to end.
     *
     * @param retained as in {@link JournalWrite.Subscribe}
     */
    record SubscriptionChange(String clientId, String filter, StoredSubscription subscription, long retained) {}

    /** @param closes whether some of the sessions are going to be closed */
    static JournalStatement fence(List<Owner> owners, boolean closes) {
        return new JournalStatement(
                FENCE.formatted(closes ? "UPDATE" : "SHARE"),
                List.of(
                        Column.integers(List.of(owners), List::size),
                        Column.texts(owners, Owner::clientId),
                        Column.longs(owners, Owner::epoch)));
    }

    static boolean isFenced(SQLException failure) {
        return FENCED.equals(failure.getSQLState());
    }

    /** Which of the owners do not own their session any more. */
    static Set<Owner> lost(Connection connection, List<Owner> owners) throws SQLException {
        var lost = new LinkedHashSet<>(owners);
        var lock = new JournalStatement(
                LOCK.formatted("SHARE"),
                List.of(Column.texts(owners, Owner::clientId), Column.longs(owners, Owner::epoch)));
        try (var select = connection.prepareStatement(lock.sql())) {
            lock.bind(select, 1);
            try (var rows = select.executeQuery()) {
                while (rows.next()) lost.remove(owners.get((int) rows.getLong(1) - 1));
            }
        }
        return lost;
    }

    /** Which of the clients that have lost their session have none at all. */
    static Set<String> gone(Connection connection, Collection<Owner> lost) throws SQLException {
        var clientIds = lost.stream().map(Owner::clientId).collect(Collectors.toSet());
        try (var select = connection.prepareStatement("SELECT client_id FROM session WHERE client_id = ANY (?)")) {
            select.setArray(1, connection.createArrayOf("text", clientIds.toArray()));
            try (var rows = select.executeQuery()) {
                while (rows.next()) clientIds.remove(rows.getString(1));
            }
        }
        return clientIds;
    }

    static JournalStatement remember(List<Accept> writes) {
        return new JournalStatement(
                REMEMBER,
                List.of(
                        Column.texts(writes, Accept::clientId),
                        Column.integers(writes, Accept::packetId),
                        Column.texts(writes, Accept::note)));
    }

    static JournalStatement forget(List<ForgetReceived> writes) {
        return new JournalStatement(
                FORGET,
                List.of(
                        Column.texts(writes, ForgetReceived::clientId),
                        Column.integers(writes, ForgetReceived::packetId)));
    }

    static JournalStatement subscribe(List<SubscriptionChange> writes) {
        return new JournalStatement(
                SUBSCRIBE,
                List.of(
                        Column.texts(writes, SubscriptionChange::clientId),
                        Column.texts(writes, SubscriptionChange::filter),
                        Column.integers(writes, w -> w.subscription().qos().ordinal()),
                        Column.booleans(writes, w -> w.subscription().noLocal()),
                        Column.booleans(writes, w -> w.subscription().retainAsPublished()),
                        Column.integers(writes, w -> w.subscription().retainHandling()),
                        Column.integers(writes, w -> w.subscription().identifier()),
                        Column.longs(writes, SubscriptionChange::retained)));
    }

    static JournalStatement unsubscribe(List<SubscriptionChange> writes) {
        return new JournalStatement(
                UNSUBSCRIBE,
                List.of(
                        Column.texts(writes, SubscriptionChange::clientId),
                        Column.texts(writes, SubscriptionChange::filter)));
    }

    static JournalStatement withdrawWills(List<CloseSession> writes) {
        return new JournalStatement(
                WITHDRAW_WILLS,
                List.of(Column.texts(writes, CloseSession::clientId), Column.longs(writes, CloseSession::epoch)));
    }

    static JournalStatement close(List<CloseSession> writes) {
        return new JournalStatement(
                CLOSE,
                List.of(
                        Column.texts(writes, CloseSession::clientId),
                        Column.longs(writes, CloseSession::expirySeconds),
                        Column.integers(writes, CloseSession::disconnectReason),
                        Column.longs(writes, CloseSession::sentSeq),
                        Column.booleans(writes, CloseSession::publishWill)));
    }
}

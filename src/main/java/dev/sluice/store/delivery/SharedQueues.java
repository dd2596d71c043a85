package dev.sluice.store.delivery;

import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.StoredMessage;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Takes messages of Shared Subscriptions out of the queues of members that are away: those that were certainly not sent to them. Blocks, so it
 * is called on virtual threads; any number of gateways may take from the same queues.
 */
@ApplicationScoped
public class SharedQueues {
    /** So many queues are taken from in one transaction. */
    private static final int QUEUES = 16;

    private static final String WAITING = """
            SELECT w.n FROM unnest(?::bigint[], ?::text[]) WITH ORDINALITY AS w(id, share, n)
              JOIN session s ON s.id = w.id AND NOT s.connected
              JOIN queue_out o ON o.session_id = w.id
             WHERE EXISTS (SELECT FROM queued r WHERE r.session_id = w.id AND r.share = w.share AND r.seq > o.sent_seq)
             ORDER BY w.n""";

    /** While they are held, nobody opens them: what was not sent is not sent. What somebody else has locked comes later. */
    private static final String HOLD = """
            SELECT s.client_id, s.id FROM session s
             WHERE s.id = ANY (?) AND NOT s.connected ORDER BY s.id LIMIT ? FOR NO KEY UPDATE SKIP LOCKED""";

    /** In the order in which the journal's lanes lock queues. The room is what the limits of the client leave, null for any. */
    private static final String LOCK = """
            SELECT q.last_seq, q.room FROM unnest(?::bigint[]) WITH ORDINALITY AS w(id, n)
              LEFT JOIN LATERAL (
                  SELECT q.last_seq, CASE WHEN q.bytes_in - o.bytes_out >= s.queue_bytes THEN 0
                                          ELSE s.queue_count - (q.count_in - o.count_out) END AS room
                    FROM session s JOIN queue q ON q.session_id = s.id JOIN queue_out o ON o.session_id = s.id WHERE s.id = w.id
                     FOR NO KEY UPDATE OF q) q ON true
             ORDER BY w.n""";

    private static final String GONE = """
            gone AS (
                DELETE FROM queued r USING (
                    SELECT r.session_id, r.seq FROM queued r JOIN queue_out o ON o.session_id = r.session_id
                     WHERE r.session_id = ANY (?) AND r.share = ? AND r.seq > o.sent_seq
                     ORDER BY r.session_id, r.seq LIMIT ?) w
                 WHERE r.session_id = w.session_id AND r.seq = w.seq
                RETURNING r.*),
            counted AS (
                UPDATE queue_out o SET count_out = o.count_out + g.count, bytes_out = o.bytes_out + g.bytes
                  FROM (SELECT session_id, count(*) AS count, sum(bytes) AS bytes FROM gone GROUP BY session_id) g
                 WHERE o.session_id = g.session_id)""";

    private static final String MOVE = """
            WITH %s,
            filled AS (
                INSERT INTO queued (session_id, seq, message_id, queued_at, expires_at, bytes, qos, message_qos, retain, message_retain,
                                    identifiers, share, topic, properties, payload)
                SELECT ?, ? + row_number() OVER (ORDER BY g.session_id, g.seq), g.message_id, g.queued_at, g.expires_at, g.bytes,
                       least(g.message_qos, ?), g.message_qos, g.message_retain AND ?, g.message_retain, ?::integer[], g.share,
                       g.topic, g.properties, g.payload
                  FROM gone g),
            raised AS (
                UPDATE queue q SET last_seq = q.last_seq + g.count, count_in = q.count_in + g.count, bytes_in = q.bytes_in + g.bytes
                  FROM (SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM gone) g WHERE q.session_id = ?)
            SELECT count(*) FROM gone""".formatted(GONE);

    private static final String TAKE = """
            WITH %s
            SELECT g.message_id, g.message_qos, g.message_retain, coalesce(g.topic, m.topic) AS topic,
                   coalesce(g.properties, m.properties) AS properties, coalesce(g.payload, m.payload) AS payload, %s AS millis_left
              FROM gone g LEFT JOIN message m ON m.id = g.message_id
             ORDER BY g.session_id, g.seq""".formatted(GONE, StoredMessage.MILLIS_LEFT.formatted("g.expires_at"));

    private final StoreRequests requests;
    private final BoundedMessages messages;
    private final Orphans orphans;

    public SharedQueues(StoreRequests requests, BoundedMessages messages, Orphans orphans) {
        this.requests = requests;
        this.messages = messages;
        this.orphans = orphans;
    }

    /** A member that is away, as far as is known. */
    public record Away(long sessionId, String share) {}

    /**
     * A member with a stored session.
     *
     * @param maximumQoS 1 or 2
     */
    public record Taker(
            String clientId, long sessionId, QoS maximumQoS, boolean retainAsPublished, List<Integer> identifiers) {}

    /** @param lastSeq the place of the last one in the taker's queue */
    public record Moved(int count, long lastSeq) {
        private static final Moved NONE = new Moved(0, 0);
    }

    private record Held(String clientId, long id) {}

    /**
     * Where a taker's messages go.
     *
     * @param lastSeq the last place of its queue
     */
    private record Place(long lastSeq, long room) {}

    /**
     * Those of them for whom something waits that another member may have.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public List<Away> waiting(List<Away> away) {
        return requests.call("looking for shared messages", connection -> {
            try (var waiting = connection.prepareStatement(WAITING)) {
                var ids = away.stream().map(Away::sessionId).toArray();
                var shares = away.stream().map(Away::share).toArray();
                waiting.setArray(1, connection.createArrayOf("int8", ids));
                waiting.setArray(2, connection.createArrayOf("text", shares));
                var found = new ArrayList<Away>();
                try (var rows = waiting.executeQuery()) {
                    while (rows.next()) found.add(away.get(rows.getInt(1) - 1));
                }
                return found;
            }
        });
    }

    /**
     * Moves messages of a Shared Subscription to the queue of another member.
     *
     * @throws StoreUnavailable when it is not certain that they were moved
     */
    public Moved move(String share, Collection<Long> away, Taker taker, int most) {
        return requests.call("moving shared messages", connection -> {
            var held = hold(connection, away);
            if (held.isEmpty()) return Moved.NONE;
            var place = lock(connection, held, new Held(taker.clientId(), taker.sessionId()));
            if (place == null || place.room <= 0) return Moved.NONE;
            return move(connection, share, held, taker, place.lastSeq, Math.min(most, place.room));
        });
    }

    /**
     * Takes messages of a Shared Subscription away, for a member whom PostgreSQL keeps nothing for. If it is not certain that they were
     * taken, those of QoS 1 are returned all the same.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public List<Message> take(String share, Collection<Long> away, int most) {
        var taken = new ArrayList<Message>();
        var orphaned = new ArrayList<Long>();
        try {
            requests.call("taking shared messages", connection -> {
                taken.clear();
                orphaned.clear();
                var held = hold(connection, away);
                if (held.isEmpty()) return false;
                lock(connection, held, null);
                take(connection, share, held, most, taken, orphaned);
                return true;
            });
        } catch (StoreUnavailable unanswered) {
            if (!unanswered.isInDoubt()) throw unanswered;
            taken.removeIf(message -> message.qos() == QoS.EXACTLY_ONCE);
        }
        orphans.suspect(orphaned.stream().filter(Objects::nonNull).distinct().toList());
        return taken;
    }

    private static List<Held> hold(Connection connection, Collection<Long> away) throws SQLException {
        try (var hold = connection.prepareStatement(HOLD)) {
            hold.setArray(1, connection.createArrayOf("int8", away.toArray()));
            hold.setInt(2, QUEUES);
            var held = new ArrayList<Held>();
            try (var rows = hold.executeQuery()) {
                while (rows.next()) held.add(new Held(rows.getString("client_id"), rows.getLong("id")));
            }
            return held;
        }
    }

    /** Returns null if the taker has no queue any more. */
    private static Place lock(Connection connection, List<Held> held, Held taker) throws SQLException {
        var all = Stream.concat(held.stream(), Stream.ofNullable(taker))
                .sorted(Comparator.comparing(Held::clientId).thenComparing(Held::id))
                .toList();
        try (var lock = connection.prepareStatement(LOCK)) {
            lock.setArray(
                    1,
                    connection.createArrayOf("int8", all.stream().map(Held::id).toArray()));
            Place place = null;
            try (var rows = lock.executeQuery()) {
                for (var each : all) {
                    rows.next();
                    var lastSeq = rows.getLong("last_seq");
                    if (!each.equals(taker) || rows.wasNull()) continue;
                    var room = rows.getLong("room");
                    place = new Place(lastSeq, rows.wasNull() ? Long.MAX_VALUE : room);
                }
            }
            return place;
        }
    }

    private static Moved move(Connection connection, String share, List<Held> held, Taker taker, long last, long most)
            throws SQLException {
        try (var move = connection.prepareStatement(MOVE)) {
            move.setArray(
                    1,
                    connection.createArrayOf("int8", held.stream().map(Held::id).toArray()));
            move.setString(2, share);
            move.setLong(3, most);
            move.setLong(4, taker.sessionId());
            move.setLong(5, last);
            move.setInt(6, taker.maximumQoS().ordinal());
            move.setBoolean(7, taker.retainAsPublished());
            move.setArray(
                    8,
                    taker.identifiers().isEmpty()
                            ? null
                            : connection.createArrayOf(
                                    "int4", taker.identifiers().toArray()));
            move.setLong(9, taker.sessionId());
            try (var row = move.executeQuery()) {
                row.next();
                var count = row.getInt(1);
                return new Moved(count, last + count);
            }
        }
    }

    private void take(
            Connection connection, String share, List<Held> held, int most, List<Message> taken, List<Long> orphaned)
            throws SQLException {
        try (var take = connection.prepareStatement(TAKE)) {
            take.setArray(
                    1,
                    connection.createArrayOf("int8", held.stream().map(Held::id).toArray()));
            take.setString(2, share);
            take.setInt(3, most);
            try (var rows = take.executeQuery()) {
                while (rows.next()) {
                    orphaned.add(rows.getObject("message_id", Long.class));
                    taken.add(messages.read(rows));
                }
            }
        }
    }
}

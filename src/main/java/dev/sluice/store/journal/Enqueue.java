package dev.sluice.store.journal;

import dev.sluice.store.StoredMessage;
import dev.sluice.store.journal.JournalStatement.Column;
import dev.sluice.store.journal.JournalWrite.Accept;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The copies that one batch puts into queues, in the order of its writes; confined to its lane's thread. */
final class Enqueue {
    /**
     * Takes the places, then fills them. A queue's row is locked until the commit, so that its places are filled in order and without gaps
     * whatever lane they come from; the rows are locked one by one in the order of the parameter, which is that of client ids. Answers for
     * each queue with its last place, or 0 for no such queue, or -1 for a full one, with its session if it is to be trimmed, and with the
     * gateway that it is connected to. A queue without room is trimmed only while its client is away, after its bound has become less: else
     * it is full of what may not be pushed out.
     *
     * <p>The answers travel to the copies as arrays with one element a queue: joining two lists without an index would cost their product.
     */
    private static final String ENQUEUE = """
            WITH target AS MATERIALIZED (
                SELECT w.n, w.copies, w.copies_bytes, q.session_id, q.last_seq, q.node,
                       %s AS room,
                       %s AS excess
                  FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::bigint[])
                       WITH ORDINALITY AS w(client_id, session_id, copies, copies_bytes, n)
                  LEFT JOIN LATERAL (
                      SELECT CASE WHEN s.connected THEN s.node END AS node, q.session_id, q.last_seq,
                             q.count_in - o.count_out AS depth, q.bytes_in - o.bytes_out AS depth_bytes,
                             %s AS most, %s AS most_bytes
                        FROM session s JOIN queue q ON q.session_id = s.id JOIN queue_out o ON o.session_id = s.id
                       WHERE s.client_id = w.client_id AND (w.session_id = 0 OR s.id = w.session_id)
                         FOR NO KEY UPDATE OF q) q ON true),
            raised AS (
                UPDATE queue q
                   SET last_seq = q.last_seq + t.copies, count_in = q.count_in + t.copies, bytes_in = q.bytes_in + t.copies_bytes
                  FROM target t WHERE q.session_id = t.session_id AND t.room),
            place AS (
                SELECT array_agg(coalesce(t.session_id, 0) ORDER BY t.n) AS sessions,
                       array_agg(CASE WHEN t.room THEN t.last_seq + t.copies ELSE 0 END ORDER BY t.n) AS lasts
                  FROM target t),
            filled AS (
                INSERT INTO queued (session_id, seq, message_id, expires_at, bytes, qos, message_qos, retain, message_retain,
                                    identifiers, share, topic, properties, payload)
                SELECT p.sessions[c.target], p.lasts[c.target] - c.after, c.message_id, %s, c.bytes, c.qos, c.message_qos, c.retain,
                       c.message_retain, c.identifiers::integer[], c.share, c.topic, c.properties, c.payload
                  FROM place p,
                       unnest(?::integer[], ?::integer[], ?::bigint[], ?::bigint[], ?::integer[], ?::integer[], ?::integer[],
                              ?::boolean[], ?::boolean[], ?::text[], ?::text[], ?::text[], ?::bytea[], ?::bytea[])
                       AS c(target, after, message_id, millis_left, bytes, qos, message_qos, retain, message_retain,
                            identifiers, share, topic, properties, payload)
                 WHERE p.lasts[c.target] > 0)
            SELECT CASE WHEN t.session_id IS NULL THEN 0 WHEN t.room THEN t.last_seq + t.copies ELSE -1 END AS last,
                   CASE WHEN t.excess AND (t.room OR t.node IS NULL) THEN t.session_id END AS excess, t.node
              FROM target t ORDER BY t.n""";

    private static final String MESSAGES = """
            INSERT INTO message (id, topic, properties, payload)
            SELECT * FROM unnest(?::bigint[], ?::text[], ?::bytea[], ?::bytea[])""";

    /** Below, a message is stored with each copy: a row of its own, its index entry and its end cost more. */
    private static final int SHARED_BYTES = 256;

    private final TreeMap<Session, Queue> queues = new TreeMap<>(ORDER);
    private final List<Item> items = new ArrayList<>();
    private final List<Shared> shared = new ArrayList<>();
    private final List<Long> excess = new ArrayList<>();

    /** In the order in which every lane locks queues. */
    private static final Comparator<Session> ORDER =
            Comparator.comparing(Session::clientId).thenComparing(Session::id);

    /** Whose queue it is: two sessions of one client may be meant, of which one is there. */
    private record Session(String clientId, long id) {
        static Session of(Copy copy) {
            return new Session(copy.clientId(), copy.sessionId());
        }
    }

    /** One session's queue; {@code last} is the place of its last copy. */
    private static final class Queue {
        private int number;
        private int copies;
        private long bytes;
        private long last;
        private boolean excess;
        /** Null while the session is not connected. */
        private String node;
    }

    /** @param messageId null when the copy is stored with its message */
    private record Item(Accept accept, Copy copy, Queue queue, int index, Long messageId, byte[] properties) {
        int bytes() {
            return accept.message().bytes() + copy.bytes();
        }
    }

    private record Shared(long id, Accept accept, byte[] properties) {}

    Enqueue(Connection connection, MessageNumbers numbers, List<Accept> accepts) throws SQLException {
        for (var accept : accepts) {
            var message = accept.message();
            var properties = StoredMessage.properties(message.properties());
            var id = number(connection, numbers, accept);
            if (id != null && (accept.part() == null || accept.part().isFirst()))
                shared.add(new Shared(id, accept, properties));
            for (var copy : accept.copies()) {
                if (copy.isWithdrawn()) continue;
                var queue = queues.computeIfAbsent(Session.of(copy), _ -> new Queue());
                var item = new Item(accept, copy, queue, queue.copies++, id, properties);
                items.add(item);
                queue.bytes += item.bytes();
            }
        }
        var number = 0;
        for (var queue : queues.values()) queue.number = ++number;
    }

    /** Of the message's row; null if each copy is stored with the message. */
    private static Long number(Connection connection, MessageNumbers numbers, Accept accept) throws SQLException {
        if (accept.part() instanceof Instalments.Part part) {
            if (part.whole().messageId() == 0) part.whole().number(numbers.next(connection));
            return part.whole().messageId();
        }
        var isShared = accept.copies().size() > 1 && accept.message().bytes() >= SHARED_BYTES;
        return isShared ? numbers.next(connection) : null;
    }

    List<JournalStatement> statements(QueueBounds bounds) {
        if (items.isEmpty()) return List.of();
        var enqueue = new JournalStatement(sql(bounds), columns(), answer());
        return shared.isEmpty() ? List.of(enqueue) : List.of(messages(), enqueue);
    }

    /** After the answer: tells the copies their places. */
    void place() {
        for (var item : items) {
            var queue = item.queue();
            item.copy().place(queue.last > 0 ? queue.last - after(item) : queue.last);
        }
    }

    /**
     * After {@link #place}: whether copies of Shared Subscriptions that would have no session, or find a full queue, have been given to
     * other sessions, so that the transaction is to be done again. So each statement locks queues in order, and what is committed with the
     * copies finds them kept.
     */
    boolean substitute(Connection connection, QueueBounds bounds) throws SQLException {
        var rooms = new QueueRooms(connection, bounds);
        var any = false;
        try {
            for (var item : items) any |= item.copy().substitute(item.queue().excess, rooms);
        } catch (QueueRooms.Unanswered unanswered) {
            throw unanswered.failure();
        }
        return any;
    }

    /** After the answer: sessions whose queues are to be trimmed. */
    List<Long> excess() {
        return excess;
    }

    /** After the answer: the queues that have got something, of sessions connected to other gateways than this one. */
    List<QueuedElsewhere> elsewhere(String node) {
        var elsewhere = new ArrayList<QueuedElsewhere>(0);
        queues.forEach((session, queue) -> {
            if (queue.last > 0 && queue.node != null && !queue.node.equals(node))
                elsewhere.add(new QueuedElsewhere(queue.node, session.clientId(), session.id(), queue.last));
        });
        return elsewhere;
    }

    /** After {@link #place}: messages that were stored although no queue took them. */
    List<Long> orphans() {
        return shared.stream()
                .filter(it -> it.accept().part() == null)
                .filter(it -> it.accept().copies().stream().allMatch(copy -> copy.seq() <= 0))
                .map(Shared::id)
                .toList();
    }

    static String sql(QueueBounds bounds) {
        return ENQUEUE.formatted(
                bounds.room("q"),
                bounds.excess("q", "w"),
                bounds.most(),
                bounds.mostBytes(),
                StoredMessage.TIME.formatted("c.millis_left"));
    }

    private JournalStatement.Answer answer() {
        var unanswered = queues.values().iterator();
        return row -> {
            var queue = unanswered.next();
            queue.last = row.getLong("last");
            var session = row.getLong("excess");
            queue.excess = !row.wasNull();
            queue.node = row.getString("node");
            if (queue.excess) excess.add(session);
        };
    }

    private List<Column> columns() {
        var sessions = List.copyOf(queues.keySet());
        var each = List.copyOf(queues.values());
        return List.of(
                Column.texts(sessions, Session::clientId),
                Column.longs(sessions, Session::id),
                Column.longs(each, queue -> (long) queue.copies),
                Column.longs(each, queue -> queue.bytes),
                Column.integers(items, item -> item.queue().number),
                Column.integers(items, Enqueue::after),
                Column.longs(items, Item::messageId),
                Column.longs(
                        items, item -> StoredMessage.millisLeft(item.accept().message())),
                Column.integers(items, Item::bytes),
                Column.integers(items, item -> item.copy().qos().ordinal()),
                Column.integers(items, item -> item.accept().message().qos().ordinal()),
                Column.booleans(items, item -> item.copy().retain()),
                Column.booleans(items, item -> item.accept().message().retain()),
                Column.texts(items, item -> identifiers(item.copy())),
                Column.texts(items, item -> item.copy().share()),
                Column.texts(items, item -> isShared(item) ? null : topic(item.accept())),
                Column.binaries(items, item -> isShared(item) ? null : item.properties()),
                Column.binaries(
                        items,
                        item -> isShared(item) ? null : item.accept().message().payload()));
    }

    private JournalStatement messages() {
        return new JournalStatement(
                MESSAGES,
                List.of(
                        Column.longs(shared, Shared::id),
                        Column.texts(shared, it -> topic(it.accept())),
                        Column.binaries(shared, Shared::properties),
                        Column.binaries(shared, it -> it.accept().message().payload())));
    }

    private static int after(Item item) {
        return item.queue().copies - 1 - item.index();
    }

    private static boolean isShared(Item item) {
        return item.messageId() != null;
    }

    private static String topic(Accept accept) {
        return accept.message().topicName().toString();
    }

    private static String identifiers(Copy copy) {
        var identifiers = copy.subscriptionIdentifiers();
        return identifiers.isEmpty()
                ? null
                : identifiers.stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}"));
    }
}

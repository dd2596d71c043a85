package dev.sluice.store.delivery;

import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.StoredMessage;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Reads retained messages of topics that are known by name, and puts them into the queues of persistent sessions. Blocks, so it is called
 * on virtual threads, any number of them; its requests have turns of their own.
 */
@ApplicationScoped
public class RetainedReader {
    /** The message of each topic, as far as it is owed; those are left out that would come behind so many bytes. */
    private static final String PAGE = """
            SELECT p.n, p.topic, p.message_qos, p.message_retain, p.properties, p.millis_left, p.is_read, p.found,
                   CASE WHEN p.is_read THEN p.whole END AS payload FROM (
                SELECT w.n, r.topic, r.qos AS message_qos, false AS message_retain, r.properties, r.payload AS whole, %s AS millis_left,
                       least(r.qos, ?) = 0 OR ? AS is_read,
                       sum(octet_length(r.topic) + octet_length(r.payload) + coalesce(octet_length(r.properties), 0) + 64)
                           OVER (ORDER BY w.n) AS upto,
                       octet_length(r.topic) + octet_length(r.payload) + coalesce(octet_length(r.properties), 0) + 64 AS bytes,
                       count(*) OVER () AS found
                  FROM unnest(?::text[]) WITH ORDINALITY AS w(topic, n)
                  JOIN retained r ON left(r.topic, 400) = left(w.topic, 400)
                   AND hashtextextended(r.topic, 0) = hashtextextended(w.topic, 0) AND r.topic = w.topic
                 WHERE r.stamp > ? AND (r.stamp <= ? OR r.stamp <= ? AND least(r.qos, ?) = 0)
                   AND octet_length(r.payload) > 0 AND (r.expires_at IS NULL OR r.expires_at > now())) p
             WHERE p.upto <= greatest(?, p.bytes) ORDER BY p.n""".formatted(StoredMessage.MILLIS_LEFT.formatted("r.expires_at"));

    /** As somebody may put messages into the queue at the same time, its row is locked first, and what is retained looked at only then. */
    private static final String LOCK = """
            SELECT q.session_id, q.last_seq, b.retained_after,
                   CASE WHEN q.bytes_in - o.bytes_out < least(s.queue_bytes, ?)
                        THEN least(s.queue_count, ?) - (q.count_in - o.count_out) ELSE 0 END AS room
              FROM session s JOIN subscription b ON b.session_id = s.id AND left(b.filter, 400) = left(?, 400)
               AND hashtextextended(b.filter, 0) = hashtextextended(?, 0) AND b.filter = ?
              JOIN queue q ON q.session_id = s.id JOIN queue_out o ON o.session_id = s.id
             WHERE s.client_id = ? AND s.epoch = ? AND b.retained_since = ?
               FOR SHARE OF s FOR NO KEY UPDATE OF b, q""";

    private static final String COPY = """
            WITH owed AS MATERIALIZED (
                SELECT row_number() OVER (ORDER BY w.n) AS n, r.*,
                       octet_length(r.topic) + octet_length(r.payload) + coalesce(octet_length(r.properties), 0) + 64 AS bytes
                  FROM unnest(?::text[]) WITH ORDINALITY AS w(topic, n)
                  JOIN retained r ON left(r.topic, 400) = left(w.topic, 400)
                   AND hashtextextended(r.topic, 0) = hashtextextended(w.topic, 0) AND r.topic = w.topic
                 WHERE r.stamp <= ? AND octet_length(r.payload) > 0 AND least(r.qos, ?) > 0),
            filled AS (
                INSERT INTO queued (session_id, seq, expires_at, bytes, qos, message_qos, retain, message_retain, identifiers,
                                    topic, properties, payload)
                SELECT ?, ? + n, expires_at, bytes, least(qos, ?), qos, true, false, ?::integer[], topic, properties, payload FROM owed
                RETURNING bytes),
            counted AS (
                SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM filled)
            UPDATE queue q SET last_seq = q.last_seq + c.count, count_in = q.count_in + c.count, bytes_in = q.bytes_in + c.bytes
              FROM counted c WHERE q.session_id = ? RETURNING q.last_seq""";

    private static final String NOTE = """
            UPDATE subscription SET retained_after = ?
             WHERE session_id = ? AND left(filter, 400) = left(?, 400)
               AND hashtextextended(filter, 0) = hashtextextended(?, 0) AND filter = ?""";

    private static final String FINISH = """
            UPDATE subscription b SET retained_since = NULL, retained_after = NULL FROM session s
             WHERE s.client_id = ? AND s.epoch = ? AND b.session_id = s.id AND b.retained_since = ? AND left(b.filter, 400) = left(?, 400)
               AND hashtextextended(b.filter, 0) = hashtextextended(?, 0) AND b.filter = ?""";

    private static final String DUE = """
            SELECT b.filter, b.retained_since, b.retained_after FROM session s JOIN subscription b ON b.session_id = s.id
             WHERE s.client_id = ? AND s.epoch = ? AND b.retained_since IS NOT NULL ORDER BY b.retained_since""";

    private final StoreCalls calls;
    private final Counter reads;
    private final long fullCount;
    private final long fullBytes;

    public RetainedReader(StoreRequests requests, StoreConfig config, MeterRegistry meters) {
        this.reads = Counter.builder("sluice.retained.reads")
                .description("Pages of retained messages that were read for subscribers")
                .register(meters);
        this.calls = requests.retained();
        this.fullCount = config.queueCount();
        this.fullBytes = config.queueBytes();
    }

    /**
     * What is asked for.
     *
     * @param topics those whose messages are due, in order
     * @param above messages with a stamp up to this one are not owed: the client has them
     * @param since messages with a later stamp are not owed: the client gets them, or has got them, as they come
     * @param begun those of QoS 0 are owed up to this stamp: a persistent session is not kept any while it is offline
     * @param most bytes of the messages in all, but at least one message
     */
    public record Asked(List<TopicName> topics, long above, long since, long begun, QoS maximumQoS, long most) {
        public Asked {
            topics = List.copyOf(topics);
        }

        private Asked first(long count) {
            if (count >= topics.size()) return this;
            return new Asked(topics.subList(0, (int) count), above, since, begun, maximumQoS, most);
        }
    }

    /**
     * Retained messages, in the order of what was asked for; their RETAIN flag is off.
     *
     * @param covered how many of the topics this is all about; those behind it are to be asked for again
     */
    public record Page(List<Message> messages, int covered) {}

    /** @throws StoreUnavailable when PostgreSQL cannot be asked now */
    public Page read(Asked asked) {
        if (asked.topics().isEmpty()) return new Page(List.of(), 0);
        reads.increment();
        return calls.call("reading retained messages", connection -> {
            var rows = page(connection, asked, true);
            return new Page(rows.messages, rows.covered);
        });
    }

    private record Rows(List<Message> messages, List<TopicName> copied, int covered) {}

    /** @param all whether also messages of QoS 1 and 2 are read whole, and not only told of */
    private static Rows page(Connection connection, Asked asked, boolean all) throws SQLException {
        var qos = asked.maximumQoS().ordinal();
        try (var page = connection.prepareStatement(PAGE)) {
            page.setInt(1, qos);
            page.setBoolean(2, all);
            page.setArray(3, texts(connection, asked.topics()));
            page.setLong(4, asked.above());
            page.setLong(5, asked.since());
            page.setLong(6, asked.begun());
            page.setInt(7, qos);
            page.setLong(8, asked.most());
            var messages = new ArrayList<Message>();
            var copied = new ArrayList<TopicName>();
            var last = 0;
            var found = 0;
            try (var rows = page.executeQuery()) {
                while (rows.next()) {
                    last = rows.getInt("n");
                    found = rows.getInt("found");
                    if (rows.getBoolean("is_read")) messages.add(StoredMessage.read(rows));
                    else copied.add(asked.topics().get(last - 1));
                }
            }
            var isWhole = found == messages.size() + copied.size();
            return new Rows(messages, copied, isWhole ? asked.topics().size() : last);
        }
    }

    private static Array texts(Connection connection, List<TopicName> topics) throws SQLException {
        return connection.createArrayOf(
                "text", topics.stream().map(TopicName::toString).toArray());
    }

    /**
     * The subscription of a persistent session that is owed retained messages. It is owed nothing any more, as far as this is concerned,
     * once the session is open elsewhere, or the client has unsubscribed or subscribed anew.
     *
     * @param since the stamp that it was noted with
     */
    public record Owed(String clientId, long epoch, String filter, long since, List<Integer> identifiers) {
        public Owed {
            identifiers = List.copyOf(identifiers);
        }
    }

    /** What {@link #copy} has done. */
    public sealed interface Outcome {
        /**
         * @param live messages of QoS 0, which no queue keeps
         * @param covered as in {@link Page}
         * @param noted the topic that is noted now
         * @param lastSeq the place of the last message in the queue now, 0 if none was put in
         */
        record Copied(List<Message> live, int covered, TopicName noted, long lastSeq) implements Outcome {}

        /** It had come further, or not as far: an earlier copy whose answer was lost was committed, or not. */
        record Elsewhere(TopicName after) implements Outcome {}

        /** The queue has no room now. */
        record Full() implements Outcome {}

        /** Nothing is owed any more. */
        record Over() implements Outcome {}
    }

    /**
     * Puts retained messages into the session's queue, and notes how far it has come, in one transaction. Messages that are put in by
     * others come before or behind them in the order of their stamps.
     *
     * @param noted the topic up to which PostgreSQL has noted that it was given all; null for none
     * @param before the topic that it had come to, null for none: noted if all is of QoS 0, and so not certain to arrive
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public Outcome copy(Owed owed, Asked asked, TopicName noted, TopicName before) {
        reads.increment();
        return calls.call("copying retained messages", connection -> copy(connection, owed, asked, noted, before));
    }

    private Outcome copy(Connection connection, Owed owed, Asked asked, TopicName noted, TopicName before)
            throws SQLException {
        long session;
        long lastSeq;
        Asked fitting;
        try (var lock = connection.prepareStatement(LOCK)) {
            lock.setLong(1, fullBytes);
            lock.setLong(2, fullCount);
            bindFilter(lock, 3, owed.filter());
            lock.setString(6, owed.clientId());
            lock.setLong(7, owed.epoch());
            lock.setLong(8, owed.since());
            try (var row = lock.executeQuery()) {
                if (!row.next()) return new Outcome.Over();
                var room = row.getLong("room");
                if (room <= 0) return new Outcome.Full();
                fitting = asked.first(room);
                var after = topicName(row.getString("retained_after"));
                if (!Objects.equals(after, noted)) return new Outcome.Elsewhere(after);
                session = row.getLong("session_id");
                lastSeq = row.getLong("last_seq");
            }
        }
        var page = page(connection, fitting, false);
        if (!page.copied.isEmpty()) lastSeq = fill(connection, owed, fitting, page.copied, session, lastSeq);
        var upto = page.copied.isEmpty() ? before : fitting.topics().get(page.covered - 1);
        try (var note = connection.prepareStatement(NOTE)) {
            note.setString(1, upto == null ? null : upto.toString());
            note.setLong(2, session);
            bindFilter(note, 3, owed.filter());
            note.executeUpdate();
        }
        return new Outcome.Copied(page.messages, page.covered, upto, page.copied.isEmpty() ? 0 : lastSeq);
    }

    private static long fill(
            Connection connection, Owed owed, Asked asked, List<TopicName> topics, long session, long lastSeq)
            throws SQLException {
        try (var copy = connection.prepareStatement(COPY)) {
            copy.setArray(1, texts(connection, topics));
            copy.setLong(2, asked.since());
            copy.setInt(3, asked.maximumQoS().ordinal());
            copy.setLong(4, session);
            copy.setLong(5, lastSeq);
            copy.setInt(6, asked.maximumQoS().ordinal());
            var identifiers = owed.identifiers();
            copy.setArray(7, identifiers.isEmpty() ? null : connection.createArrayOf("int4", identifiers.toArray()));
            copy.setLong(8, session);
            try (var row = copy.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    private static TopicName topicName(String text) {
        return text == null ? null : TopicName.of(text);
    }

    private static void bindFilter(PreparedStatement statement, int at, String filter) throws SQLException {
        for (int i = at; i < at + 3; i++) statement.setString(i, filter);
    }

    /** Notes that the subscription has been given all. */
    public void finish(Owed owed) {
        calls.call("noting that retained messages are sent", connection -> {
            try (var finish = connection.prepareStatement(FINISH)) {
                finish.setString(1, owed.clientId());
                finish.setLong(2, owed.epoch());
                finish.setLong(3, owed.since());
                bindFilter(finish, 4, owed.filter());
                return finish.executeUpdate();
            }
        });
    }

    /**
     * A subscription that an earlier connection of the session did not finish.
     *
     * @param after the last topic that it was given, null for none
     */
    public record Due(String filter, long since, TopicName after) {}

    /** @throws StoreUnavailable when PostgreSQL cannot be asked now */
    public List<Due> due(String clientId, long epoch) {
        return calls.call("reading which retained messages are due", connection -> {
            try (var ask = connection.prepareStatement(DUE)) {
                ask.setString(1, clientId);
                ask.setLong(2, epoch);
                var due = new ArrayList<Due>();
                try (var rows = ask.executeQuery()) {
                    while (rows.next()) {
                        due.add(new Due(rows.getString(1), rows.getLong(2), topicName(rows.getString(3))));
                    }
                }
                return due;
            }
        });
    }
}

package dev.sluice.store.session;

import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.NodeRun;
import dev.sluice.store.Rows;
import dev.sluice.store.StoredMessage;
import dev.sluice.store.session.SessionStore.Former;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.store.session.SessionStore.ReceivedPublish;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** The SQL that opens sessions, any number in one round trip. Stateless. */
final class OpenStatement {
    /** In the order of client ids, as the journal's fence: who needs several rows locks them in one order. */
    private static final String OPEN = """
            SELECT w.n, o.*
              FROM (SELECT * FROM unnest(?::text[], ?::boolean[], ?::int2[], ?::bigint[], ?::text[], ?::text[],
                                         ?::bigint[], ?::text[], ?::int2[], ?::boolean[], ?::bytea[], ?::bytea[],
                                         ?::integer[], ?::text[])
                      WITH ORDINALITY AS w(client_id, clean_start, protocol, expiry_seconds, identity, node,
                           will_delay, will_topic, will_qos, will_retain, will_properties, will_payload, send_quota, requester, n)
                     ORDER BY client_id, n OFFSET 0) w
             CROSS JOIN LATERAL open_session(w.client_id, w.clean_start, w.protocol, w.expiry_seconds, w.identity, w.node,
                        w.will_delay, w.will_topic, w.will_qos, w.will_retain, w.will_properties, w.will_payload,
                        w.send_quota, w.requester, ?::text[]) o
            """;

    /** A statement of its own, which sees what the function has written: a session that it has refused is still another identity's. */
    private static final String LIMITS = """
            UPDATE session s SET queue_count = w.queue_count, queue_bytes = w.queue_bytes
              FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[]) AS w(client_id, identity, queue_count, queue_bytes)
             WHERE s.client_id = w.client_id AND s.identity = w.identity
               AND (s.queue_count, s.queue_bytes) IS DISTINCT FROM (w.queue_count, w.queue_bytes)
            """;

    /** The same. */
    private static final String IDS = """
            SELECT w.n, s.id, EXISTS (SELECT FROM subscription b WHERE b.session_id = s.id AND b.retained_since IS NOT NULL) AS due
              FROM unnest(?::text[]) WITH ORDINALITY AS w(client_id, n)
              JOIN session s ON s.client_id = w.client_id
            """;

    /** Nobody in a batch waits long for a row that somebody else has locked. */
    private static final String WITHOUT_WAITING = "SET LOCAL lock_timeout = '100ms'";

    private OpenStatement() {}

    /**
     * Opens them in the connection's transaction; answers in the order of the requests, with null for a session that is another
     * identity's.
     *
     * @param others names of the other gateways that live
     * @param since the earliest run of this gateway in which one was asked for: they fail if that is dead; 0 if it has no row
     * @param patient whether to wait for rows that are locked
     */
    static List<OpenedSession> open(
            Connection connection, List<OpenRequest> requests, List<String> others, long since, boolean patient)
            throws SQLException {
        var sql = (patient ? "" : WITHOUT_WAITING + ";") + OPEN + ";" + LIMITS + ";" + IDS
                + (since == 0 ? "" : ";" + NodeRun.ALIVE);
        try (var statement = connection.prepareStatement(sql)) {
            bind(statement, requests, others, since);
            statement.execute();
            if (!patient) statement.getMoreResults();
            var opened = new Row[requests.size()];
            try (var rows = statement.getResultSet()) {
                while (rows.next()) opened[rows.getInt("n") - 1] = new Row(rows);
            }
            var sessions = new OpenedSession[requests.size()];
            statement.getMoreResults(Statement.CLOSE_CURRENT_RESULT); // how many limits have changed
            statement.getMoreResults();
            try (var rows = statement.getResultSet()) {
                while (rows.next()) {
                    var at = rows.getInt("n") - 1;
                    if (!opened[at].refused)
                        sessions[at] = opened[at].session(rows.getLong("id"), rows.getBoolean("due"));
                }
            }
            return Arrays.asList(sessions);
        }
    }

    private static void bind(PreparedStatement statement, List<OpenRequest> requests, List<String> others, long since)
            throws SQLException {
        var columns = new Columns(statement, requests);
        columns.add("text", String[]::new, OpenRequest::clientId);
        columns.add("bool", Boolean[]::new, OpenRequest::cleanStart);
        columns.add("int2", Short[]::new, request -> (short) request.protocolLevel());
        columns.add("int8", Long[]::new, OpenRequest::expirySeconds);
        columns.add("text", String[]::new, OpenRequest::identity);
        columns.add("text", String[]::new, OpenRequest::node);
        columns.add("int8", Long[]::new, will(Wills::delaySeconds));
        columns.add("text", String[]::new, will(will -> will.topicName().toString()));
        columns.add("int2", Short[]::new, will(will -> (short) will.qos().ordinal()));
        columns.add("bool", Boolean[]::new, will(Will::retain));
        columns.add("bytea", byte[][]::new, will(will -> StoredMessage.properties(will.properties())));
        columns.add("bytea", byte[][]::new, will(Will::payload));
        columns.add("int4", Integer[]::new, OpenRequest::sendQuota);
        columns.add("text", String[]::new, OpenRequest::willRequester);
        columns.add("text", others.toArray(String[]::new));
        columns.add("text", String[]::new, OpenRequest::clientId);
        columns.add("text", String[]::new, OpenRequest::identity);
        columns.add("int8", Long[]::new, request -> request.queueLimit().storedCount());
        columns.add("int8", Long[]::new, request -> request.queueLimit().storedBytes());
        columns.add("text", String[]::new, OpenRequest::clientId);
        if (since == 0) return;
        columns.add("text", new String[] {requests.getFirst().node()});
        columns.add("int8", new Long[] {since});
    }

    private static <V> Function<OpenRequest, V> will(Function<Will, V> value) {
        return request -> request.will() == null ? null : value.apply(request.will());
    }

    /** Binds one array for each column, one after the other. */
    private static final class Columns {
        private final PreparedStatement statement;
        private final List<OpenRequest> requests;
        private int bound;

        Columns(PreparedStatement statement, List<OpenRequest> requests) {
            this.statement = statement;
            this.requests = requests;
        }

        <V> void add(String type, Function<Integer, V[]> array, Function<OpenRequest, V> value) throws SQLException {
            var values = array.apply(requests.size());
            for (int i = 0; i < values.length; i++) values[i] = value.apply(requests.get(i));
            add(type, values);
        }

        <V> void add(String type, V[] values) throws SQLException {
            statement.setArray(++bound, statement.getConnection().createArrayOf(type, values));
        }
    }

    /** What the function has answered for one request. */
    private record Row(
            boolean present,
            long epoch,
            List<ReceivedPublish> received,
            List<StoredSubscription> subscriptions,
            long sent,
            long last,
            boolean waiting,
            List<Long> dueWills,
            boolean refused,
            Former former,
            long replacedId) {
        Row(ResultSet row) throws SQLException {
            this(
                    row.getBoolean("present"),
                    row.getLong("opened_epoch"),
                    row.getBoolean("present") ? received(row) : List.of(),
                    row.getBoolean("present") ? subscriptions(row) : List.of(),
                    row.getLong("sent"),
                    row.getLong("last"),
                    row.getBoolean("waiting"),
                    Rows.array(row, "due_wills"),
                    row.getBoolean("refused"),
                    former(row),
                    row.getLong("replaced_id"));
        }

        private static Former former(ResultSet row) throws SQLException {
            var node = row.getString("former_node");
            return node == null ? null : new Former(node, row.getLong("former_epoch"));
        }

        OpenedSession session(long id, boolean retainedDue) {
            return new OpenedSession(
                    present,
                    id,
                    epoch,
                    received,
                    subscriptions,
                    sent,
                    last,
                    waiting,
                    retainedDue,
                    dueWills,
                    former,
                    replacedId);
        }

        private static List<ReceivedPublish> received(ResultSet row) throws SQLException {
            var packetIds = Row.<Integer>column(row, "packet_ids");
            var messageIds = Row.<String>column(row, "message_ids");
            return IntStream.range(0, packetIds.size())
                    .mapToObj(i -> new ReceivedPublish(packetIds.get(i), messageIds.get(i)))
                    .toList();
        }

        private static List<StoredSubscription> subscriptions(ResultSet row) throws SQLException {
            var filters = Row.<String>column(row, "filters");
            var granted = Row.<Short>column(row, "granted");
            var noLocals = Row.<Boolean>column(row, "no_locals");
            var asPublished = Row.<Boolean>column(row, "retains_as_published");
            var handlings = Row.<Short>column(row, "retain_handlings");
            var identifiers = Row.<Integer>column(row, "subscription_identifiers");
            return IntStream.range(0, filters.size())
                    .mapToObj(i -> new StoredSubscription(
                            filters.get(i),
                            QoS.of(granted.get(i)),
                            noLocals.get(i),
                            asPublished.get(i),
                            handlings.get(i),
                            identifiers.get(i)))
                    .toList();
        }

        @SuppressWarnings("unchecked")
        private static <T> List<T> column(ResultSet row, String name) throws SQLException {
            var array = row.getArray(name);
            return array == null ? List.of() : Arrays.asList((T[]) array.getArray());
        }
    }
}

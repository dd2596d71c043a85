package dev.sluice.store.delivery;

import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.StoredMessage;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads the queues of persistent sessions; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class QueueReader {
    /** The session is looked up by itself, so that PostgreSQL sees one constant, and reads the index in order and no further than the limit. */
    private static final String PAGE =
            """
            SELECT p.*, %s AS millis_left
              FROM (SELECT q.*, count(*) OVER () AS found, sum(q.weight) OVER (ORDER BY q.seq) AS upto
                      FROM (SELECT r.seq, r.packet_id, r.received, r.qos, r.retain, r.identifiers, r.share, r.message_qos,
                                   r.message_retain, r.expires_at, coalesce(r.topic, m.topic) AS topic,
                                   coalesce(r.properties, m.properties) AS properties,
                                   coalesce(r.payload, m.payload) AS payload, %s AS weight
                              FROM (SELECT * FROM queued
                                     WHERE session_id = (SELECT id FROM session WHERE client_id = ?) AND seq > ?
                                     ORDER BY seq LIMIT ?) r
                              LEFT JOIN message m ON m.id = r.message_id) q) p
             WHERE p.upto <= greatest(?, p.weight)
             ORDER BY p.seq
             LIMIT ?""".formatted(StoredMessage.MILLIS_LEFT.formatted("p.expires_at"), StoredMessage.WEIGHT);

    private static final String LAST =
            "SELECT session_id, last_seq FROM queue WHERE session_id = ANY (?) AND last_seq > 0";

    private final StoreRequests requests;
    private final BoundedMessages messages;

    public QueueReader(StoreRequests requests, BoundedMessages messages) {
        this.requests = requests;
        this.messages = messages;
    }

    /**
     * The places of the last messages that were put into these sessions' queues, by session; those that never had one are left out.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public Map<Long, Long> lastSeqs(Collection<Long> sessions) {
        return requests.routing().call("looking at queues", connection -> {
            try (var select = connection.prepareStatement(LAST)) {
                select.setArray(1, connection.createArrayOf("int8", sessions.toArray()));
                var found = new HashMap<Long, Long>();
                try (var rows = select.executeQuery()) {
                    while (rows.next()) found.put(rows.getLong(1), rows.getLong(2));
                }
                return found;
            }
        });
    }

    /** @param more whether rows follow the last one */
    public record Page(List<Row> rows, boolean more) {}

    /**
     * One message of a queue.
     *
     * @param packetId that the client was sent it under, 0 for that of its place
     * @param received whether the client has answered PUBREC, so that it is sent PUBREL and not the message
     * @param qos what the client is sent it with
     * @param retain the RETAIN flag that the client is sent
     * @param share the filter of the Shared Subscription that chose this session, null for none
     */
    public record Row(
            long seq,
            int packetId,
            boolean received,
            QoS qos,
            boolean retain,
            List<Integer> subscriptionIdentifiers,
            String share,
            Message message) {}

    /**
     * The rows after a place in the order of the queue, expired messages included, and those that are {@link BoundedMessages#isAbove above
     * the bounds}: at most {@code limit}, and at most as many as have {@code
     * bytes} bytes in all, but at least one.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public Page page(String clientId, long afterSeq, int limit, long bytes) {
        return requests.call("reading a queue", connection -> ask(connection, clientId, afterSeq, limit, bytes));
    }

    private Page ask(Connection connection, String clientId, long afterSeq, int limit, long bytes) throws SQLException {
        try (var page = connection.prepareStatement(PAGE)) {
            page.setString(1, clientId);
            page.setLong(2, afterSeq);
            page.setInt(3, limit + 1);
            page.setLong(4, bytes);
            page.setInt(5, limit);
            var rows = new ArrayList<Row>();
            var found = 0L;
            try (var result = page.executeQuery()) {
                while (result.next()) {
                    rows.add(read(result));
                    found = result.getLong("found");
                }
            }
            return new Page(rows, found > rows.size());
        }
    }

    private Row read(ResultSet row) throws SQLException {
        var identifiers = row.getArray("identifiers");
        return new Row(
                row.getLong("seq"),
                row.getInt("packet_id"),
                row.getBoolean("received"),
                QoS.of(row.getInt("qos")),
                row.getBoolean("retain"),
                identifiers == null ? List.of() : List.of((Integer[]) identifiers.getArray()),
                row.getString("share"),
                messages.read(row));
    }
}

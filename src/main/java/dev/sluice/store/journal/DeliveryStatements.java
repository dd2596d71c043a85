package dev.sluice.store.journal;

import dev.sluice.store.StoredMessage;
import dev.sluice.store.journal.JournalStatement.Answer;
import dev.sluice.store.journal.JournalStatement.Column;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.Acknowledge;
import dev.sluice.store.journal.JournalWrite.AssignPacketId;
import dev.sluice.store.journal.JournalWrite.MarkReceived;
import java.util.Comparator;
import java.util.List;

/**
 * The journal's SQL about messages that subscribers have got, and about retained ones. Stateless.
 *
 * <p>What is looked up by two columns gets both from one materialized list: otherwise PostgreSQL may think that one is enough, while a queue
 * is still short.
 */
final class DeliveryStatements {
    private static final String MARK_RECEIVED = """
            WITH w AS MATERIALIZED (
                SELECT s.id AS session_id, w.seq
                  FROM unnest(?::text[], ?::bigint[]) AS w(client_id, seq) JOIN session s ON s.client_id = w.client_id)
            UPDATE queued q SET received = true FROM w WHERE q.session_id = w.session_id AND q.seq = w.seq""";

    private static final String ASSIGN_PACKET_ID = """
            WITH w AS MATERIALIZED (
                SELECT s.id AS session_id, w.seq, w.packet_id
                  FROM unnest(?::text[], ?::bigint[], ?::integer[]) AS w(client_id, seq, packet_id)
                  JOIN session s ON s.client_id = w.client_id)
            UPDATE queued q SET packet_id = w.packet_id FROM w WHERE q.session_id = w.session_id AND q.seq = w.seq""";

    /** Answers with the messages that copies were deleted of: one of them may have been the last. */
    private static final String ACKNOWLEDGE = """
            WITH w AS MATERIALIZED (
                SELECT s.id AS session_id, w.seq, w.sent_seq
                  FROM unnest(?::text[], ?::bigint[], ?::bigint[]) AS w(client_id, seq, sent_seq)
                  JOIN session s ON s.client_id = w.client_id),
            gone AS (
                DELETE FROM queued q USING w WHERE q.session_id = w.session_id AND q.seq = w.seq
                RETURNING q.session_id, q.bytes, q.message_id, w.sent_seq),
            counted AS (
                UPDATE queue_out o
                   SET count_out = o.count_out + g.count, bytes_out = o.bytes_out + g.bytes, sent_seq = greatest(o.sent_seq, g.sent_seq)
                  FROM (SELECT session_id, count(*) AS count, sum(bytes) AS bytes, max(sent_seq) AS sent_seq
                          FROM gone GROUP BY session_id) g
                 WHERE o.session_id = g.session_id)
            SELECT DISTINCT message_id FROM gone WHERE message_id IS NOT NULL""";

    /** The one place that writes retained messages is this function of the database. */
    private static final String RETAIN = """
            SELECT retain(?::text[], ?::integer[],
                ARRAY(SELECT (extract(epoch FROM now()) * 1000)::bigint + w.millis_left
                        FROM unnest(?::bigint[]) WITH ORDINALITY AS w(millis_left, n) ORDER BY w.n),
                ?::bytea[], ?::bytea[], ?::bigint[], ?::text[])""";

    private static final String WILLS_DELIVERED =
            "UPDATE will w SET delivered = true FROM unnest(?::bigint[]) AS d(id) WHERE w.id = d.id";

    private DeliveryStatements() {}

    static JournalStatement markReceived(List<MarkReceived> writes) {
        return new JournalStatement(
                MARK_RECEIVED,
                List.of(Column.texts(writes, MarkReceived::clientId), Column.longs(writes, MarkReceived::seq)));
    }

    static JournalStatement assignPacketIds(List<AssignPacketId> writes) {
        return new JournalStatement(
                ASSIGN_PACKET_ID,
                List.of(
                        Column.texts(writes, AssignPacketId::clientId),
                        Column.longs(writes, AssignPacketId::seq),
                        Column.integers(writes, AssignPacketId::packetId)));
    }

    static JournalStatement acknowledge(List<Acknowledge> writes, Answer messages) {
        return new JournalStatement(
                ACKNOWLEDGE,
                List.of(
                        Column.texts(writes, Acknowledge::clientId),
                        Column.longs(writes, Acknowledge::seq),
                        Column.longs(writes, Acknowledge::sentSeq)),
                messages);
    }

    /** At most one message for each topic; answers with the stamps of those that are retained now, and not older than others. */
    static JournalStatement retain(List<Accept> writes, Answer stamps) {
        return new JournalStatement(
                RETAIN,
                List.of(
                        Column.texts(writes, it -> it.message().topicName().toString()),
                        Column.integers(writes, it -> it.message().qos().ordinal()),
                        Column.longs(writes, it -> StoredMessage.millisLeft(it.message())),
                        Column.binaries(
                                writes,
                                it -> StoredMessage.properties(it.message().properties())),
                        Column.binaries(writes, it -> it.message().payload()),
                        Column.longs(writes, Accept::stamp),
                        Column.texts(writes, Accept::clientId)),
                stamps);
    }

    /** With the copies and the retained messages that they are. In the order in which everybody locks them. */
    static JournalStatement willsDelivered(List<Accept> wills) {
        var sorted = wills.stream().sorted(Comparator.comparing(Accept::will)).toList();
        return new JournalStatement(WILLS_DELIVERED, List.of(Column.longs(sorted, Accept::will)));
    }
}

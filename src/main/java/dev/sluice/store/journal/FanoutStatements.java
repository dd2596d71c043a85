package dev.sluice.store.journal;

import dev.sluice.store.journal.JournalStatement.Column;
import dev.sluice.store.journal.JournalWrite.Accept;
import java.util.List;

/** The journal's SQL about how far a message is that gets into very many queues. Stateless. */
final class FanoutStatements {
    private static final String BEGIN = """
            INSERT INTO fanout (message_id, session_id, client_id, packet_id, done_to, written_at)
            SELECT w.message_id, coalesce(s.id, 0), w.client_id, w.packet_id, w.done_to, now()
              FROM unnest(?::bigint[], ?::text[], ?::integer[], ?::text[]) AS w(message_id, client_id, packet_id, done_to)
              LEFT JOIN session s ON s.client_id = w.client_id AND w.packet_id > 0""";

    private static final String GO_ON = """
            UPDATE fanout f SET done_to = w.done_to, written_at = now()
              FROM unnest(?::bigint[], ?::text[]) AS w(message_id, done_to) WHERE f.message_id = w.message_id""";

    private static final String END = "DELETE FROM fanout WHERE message_id = ANY (?::bigint[])";

    private FanoutStatements() {}

    /** With the copies of this part. */
    static JournalStatement of(Accept accept) {
        var part = accept.part();
        var one = List.of(part);
        var messageId = Column.longs(one, it -> it.whole().messageId());
        var doneTo = Column.texts(one, Instalments.Part::upTo);
        if (part.isLast()) return new JournalStatement(END, List.of(messageId));
        if (!part.isFirst()) return new JournalStatement(GO_ON, List.of(messageId, doneTo));
        return new JournalStatement(
                BEGIN,
                List.of(
                        messageId,
                        Column.texts(one, _ -> accept.clientId()),
                        Column.integers(one, it -> it.whole().packetId()),
                        doneTo));
    }
}

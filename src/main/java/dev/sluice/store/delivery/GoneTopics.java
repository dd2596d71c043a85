package dev.sluice.store.delivery;

import dev.sluice.topic.TopicName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Asks PostgreSQL which topics have no retained message; any virtual thread may. */
final class GoneTopics {
    private static final String GONE = """
            SELECT w.n FROM unnest(?::text[]) WITH ORDINALITY AS w(topic, n)
             WHERE NOT EXISTS (
                SELECT FROM retained r WHERE left(r.topic, 400) = left(w.topic, 400)
                   AND hashtextextended(r.topic, 0) = hashtextextended(w.topic, 0) AND r.topic = w.topic
                   AND octet_length(r.payload) > 0)""";

    private GoneTopics() {}

    static Set<TopicName> among(Connection connection, List<TopicName> some) throws SQLException {
        try (var select = connection.prepareStatement(GONE)) {
            var texts = some.stream().map(TopicName::toString).toArray();
            select.setArray(1, connection.createArrayOf("text", texts));
            var gone = new HashSet<TopicName>();
            try (var rows = select.executeQuery()) {
                while (rows.next()) gone.add(some.get(rows.getInt(1) - 1));
            }
            return gone;
        }
    }
}

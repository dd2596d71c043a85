package dev.sluice.store.delivery;

import dev.sluice.store.Transaction;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** Deletes retained messages that have expired, and tells {@link RetainedTopics}. Confined to the sweep's thread. */
final class RetainedSweep {
    /** What was cleared stays longer than any lane could hold an older message back, unless nothing is committed at all meanwhile. */
    static final String FORGET_CLEARED = """
            DELETE FROM retained WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM retained WHERE octet_length(payload) = 0 AND retained_at < now() - interval '10 minutes'
                 LIMIT ? FOR UPDATE SKIP LOCKED))""";

    private static final String EXPIRED =
            "SELECT topic FROM retained WHERE expires_at <= now() AND octet_length(payload) > 0 LIMIT ? FOR UPDATE SKIP LOCKED";

    private static final String DELETE = """
            DELETE FROM retained r USING unnest(?::text[]) AS w(topic)
             WHERE left(r.topic, 400) = left(w.topic, 400) AND hashtextextended(r.topic, 0) = hashtextextended(w.topic, 0)
               AND r.topic = w.topic""";

    private final DataSource dataSource;
    private final RetainedTopics topics;
    private final int batch;
    private final Counter expired;

    RetainedSweep(DataSource dataSource, RetainedTopics topics, int batch, MeterRegistry meters) {
        this.dataSource = dataSource;
        this.topics = topics;
        this.batch = batch;
        this.expired = Counter.builder("sluice.retained.expired")
                .description("retained messages that expired")
                .register(meters);
    }

    /** Blocking: returns how many it has deleted. */
    int expire() throws SQLException {
        var total = 0;
        int deleted;
        do {
            deleted = expireSome();
            expired.increment(deleted);
            total += deleted;
        } while (deleted == batch);
        return total;
    }

    private int expireSome() throws SQLException {
        var names = new ArrayList<TopicName>();
        var areDeleted = false;
        try {
            Transaction.run(dataSource, connection -> delete(connection, names));
            areDeleted = true;
            return names.size();
        } finally {
            topics.swept(names, areDeleted);
        }
    }

    /** The rows are locked before {@link RetainedTopics} hears of them: a newer message of such a topic is committed, and told of, later. */
    private Void delete(Connection connection, List<TopicName> names) throws SQLException {
        try (var expired = connection.prepareStatement(EXPIRED);
                var delete = connection.prepareStatement(DELETE)) {
            expired.setInt(1, batch);
            try (var rows = expired.executeQuery()) {
                while (rows.next()) names.add(TopicName.of(rows.getString(1)));
            }
            topics.sweeping(names);
            var texts = names.stream().map(TopicName::toString).toArray();
            delete.setArray(1, connection.createArrayOf("text", texts));
            delete.executeUpdate();
            return null;
        }
    }
}

package dev.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What V25 makes of queues whose place was noted by an earlier version. */
@Tag("postgres")
class SentPlaceMigrationTest {
    /** Sessions of which one is connected, their places, and their rows of which some are received. */
    private static final String QUEUES = """
            INSERT INTO session (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, identity, created_at, connected_at, send_quota)
              SELECT id, 'client-' || id, id, 'node', id = 4, false, 5, 3600, '', now(), now(), 10 FROM generate_series(1, 4) AS id;
            INSERT INTO queue (session_id, last_seq) SELECT id, 3 FROM session;
            INSERT INTO queue_out (session_id, sent_seq) VALUES (1, 0), (2, 3), (3, 0), (4, 0);
            INSERT INTO queued (session_id, seq, bytes, qos, message_qos, retain, message_retain, received, topic, payload)
              SELECT id, seq, 1, 2, 2, false, false, id <> 3 AND seq <= 2, 't', '' FROM session, generate_series(1, 3) AS seq""";

    @Test
    void whatASessionThatEndedHasReceivedCountsAsSent() throws SQLException {
        var source = EmbeddedServer.shared().newDatabase("places");
        EmbeddedServer.migrate(source, "24");
        Transaction.run(source, connection -> {
            try (var statement = connection.createStatement()) {
                return statement.execute(QUEUES);
            }
        });
        EmbeddedServer.migrate(source, "25");
        var places = Transaction.run(source, connection -> {
            try (var select = connection.prepareStatement("SELECT sent_seq FROM queue_out ORDER BY session_id")) {
                return Rows.longs(select);
            }
        });
        assertThat(places)
                .as("raised, already further, nothing received, still connected")
                .isEqualTo(List.of(2L, 3L, 0L, 0L));
    }
}

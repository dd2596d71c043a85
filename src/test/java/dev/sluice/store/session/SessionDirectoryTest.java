package dev.sluice.store.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.PostgresResource;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.session.SessionDirectory.SessionEntry;
import dev.sluice.store.session.SessionStore.OpenRequest;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The store as Quarkus puts it together: its data source, migrations at the start, Hibernate's check of the entity. */
@Tag("postgres")
@QuarkusTest
@QuarkusTestResource(PostgresResource.class)
class SessionDirectoryTest {
    private static final Duration LONG = Duration.ofSeconds(10);

    @Inject
    SessionDirectory directory;

    @Inject
    SessionStore sessions;

    @Inject
    Journal journal;

    @Inject
    StoreHealth health;

    @Inject
    DataSource pool;

    @BeforeEach
    void empty() {
        await().until(health::available);
        EmbeddedServer.shared().empty();
    }

    @Test
    void findsASession() {
        var epoch = sessions.open(new OpenRequest("c", true, 5, 60, "someone", "node-1", 10, null), LONG)
                .epoch();
        assertThat(directory.find("c").orElseThrow())
                .returns(true, SessionEntry::connected)
                .returns("node-1", SessionEntry::node)
                .returns(epoch, SessionEntry::epoch)
                .returns(true, entry -> entry.disconnectedAt().isEmpty());

        var outcome = new CompletableFuture<Outcome>();
        journal.submit(new CloseSession("c", epoch, 60, 4, 0, false, outcome::complete));
        assertThat(outcome.join()).isEqualTo(Outcome.COMMITTED);

        var closed = directory.find("c").orElseThrow();
        assertThat(closed.lastDisconnectReason()).hasValue(4);
        assertThat(closed.expiresAt())
                .contains(closed.disconnectedAt().orElseThrow().plusSeconds(60));
        assertThat(directory.find("other")).isEmpty();
    }

    @Test
    void noConnectionWaitsForEver() throws Exception {
        try (var connection = pool.getConnection();
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SHOW idle_in_transaction_session_timeout")) {
            rows.next();
            assertThat(rows.getString(1)).isEqualTo("10s");
            assertThat(connection.getNetworkTimeout()).isEqualTo(10_000);
        }
    }

    @Test
    void pagesThroughSessions() {
        IntStream.rangeClosed(1, 5)
                .forEach(n -> sessions.open(new OpenRequest("c" + n, true, 4, 0, null, "node-1", 10, null), LONG));
        assertThat(directory.page("", 2)).extracting(SessionEntry::clientId).containsExactly("c1", "c2");
        assertThat(directory.page("c2", 5)).extracting(SessionEntry::clientId).containsExactly("c3", "c4", "c5");
        assertThat(directory.connected()).isEqualTo(5);
    }
}

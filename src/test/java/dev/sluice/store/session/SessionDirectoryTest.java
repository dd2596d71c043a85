package dev.sluice.store.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.EntityCalls;
import dev.sluice.store.NodeRun;
import dev.sluice.store.PostgresResource;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.session.SessionDirectory.Search;
import dev.sluice.store.session.SessionDirectory.SessionEntry;
import dev.sluice.store.session.SessionStore.OpenRequest;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.database.postgresql.PostgreSQLConfigurationExtension;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The store as Quarkus puts it together: its data source, migrations at the start, Hibernate's check of the entity. */
@Tag("postgres")
@QuarkusTest
@QuarkusTestResource(PostgresResource.class)
class SessionDirectoryTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    @Inject
    SessionDirectory directory;

    @Inject
    SessionStore sessions;

    @Inject
    Journal journal;

    @Inject
    NodeRun run;

    @Inject
    StoreHealth health;

    @Inject
    DataSource pool;

    @Inject
    Flyway flyway;

    @Inject
    EntityCalls calls;

    @Inject
    EntityManager entities;

    @BeforeEach
    void empty() {
        await().until(health::available);
        EmbeddedServer.shared().emptyOfClients();
        // Tests without Quarkus may have emptied the database of this gateway, too.
        await().until(() -> (run.number() + "").equals(EmbeddedServer.shared().value("SELECT run FROM node")));
    }

    @Test
    void findsASession() {
        var epoch = sessions.open(new OpenRequest("c", true, 5, 60, "someone", "node-1", 10, null), LONG)
                .epoch();
        assertThat(directory.find("c").orElseThrow())
                .returns(true, SessionEntry::connected)
                .returns("node-1", SessionEntry::node)
                .returns(epoch, SessionEntry::epoch)
                .returns("someone", SessionEntry::identity)
                .returns(null, SessionEntry::disconnectedAt);

        var outcome = new CompletableFuture<Outcome>();
        journal.submit(new CloseSession("c", epoch, 60, 4, 0, false, outcome::complete));
        assertThat(outcome.join()).isEqualTo(Outcome.COMMITTED);

        var closed = directory.find("c").orElseThrow();
        assertThat(closed.lastDisconnectReason()).isEqualTo(4);
        assertThat(closed.expiresAt()).isEqualTo(closed.disconnectedAt().plusSeconds(60));
        assertThat(directory.find("other")).isEmpty();
    }

    /** Also those that the migrations had. */
    @Test
    void noConnectionWaitsForEverNorKeepsRowsLocked() throws Exception {
        var taken = new ArrayList<Connection>();
        try {
            for (int i = 0; i < 5; i++) {
                taken.add(pool.getConnection());
                assertThat(setting(taken.getLast(), "idle_in_transaction_session_timeout"))
                        .isEqualTo("2s");
                assertThat(setting(taken.getLast(), "lock_timeout")).isEqualTo("1500ms");
                assertThat(setting(taken.getLast(), "transaction_timeout")).isEqualTo("30s");
                assertThat(taken.getLast().getNetworkTimeout()).isEqualTo(10_000);
            }
        } finally {
            for (var connection : taken) connection.close();
        }
    }

    private static String setting(Connection connection, String name) throws SQLException {
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery("SHOW " + name)) {
            rows.next();
            return rows.getString(1);
        }
    }

    /** Its transaction would be idle for as long as they take. */
    @Test
    void migrationsAreLockedByAConnection() {
        assertThat(flyway.getConfiguration()
                        .getPluginRegister()
                        .getExact(PostgreSQLConfigurationExtension.class)
                        .isTransactionalLock())
                .isFalse();
    }

    @Test
    void theTransactionOfAnOperatorMayRest() {
        for (var name : List.of("idle_in_transaction_session_timeout", "lock_timeout"))
            assertThat(calls.call("asking", () -> entities.createNativeQuery("SHOW " + name, String.class)
                            .getSingleResult()))
                    .isEqualTo("10s");
    }

    private List<String> page(String prefix, String user, String after, int size) {
        return directory.page(new Search(prefix, user), after, size).stream()
                .map(SessionEntry::clientId)
                .toList();
    }

    private void open(String clientId, String identity) {
        sessions.open(new OpenRequest(clientId, true, 4, 0, identity, "node-1", 10, null), LONG);
    }

    @Test
    void pagesThroughSessions() {
        IntStream.rangeClosed(1, 5).forEach(n -> open("c" + n, ""));
        assertThat(page("", null, "", 2)).containsExactly("c1", "c2");
        assertThat(page("", null, "c2", 5)).containsExactly("c3", "c4", "c5");
    }

    @Test
    void findsSessionsByPrefixAndUser() {
        open("a", "ann");
        open("truck-1", "ann");
        open("truck-2", "bob");
        open("truck-3", "");
        open("truck\u00ff", "bob");
        open("truck\ud83d\ude9a", "bob");
        open("trudy", "bob");
        assertThat(page("truck", null, "", 9))
                .containsExactly("truck-1", "truck-2", "truck-3", "truck\u00ff", "truck\ud83d\ude9a");
        assertThat(page("truck", null, "truck-3", 1)).containsExactly("truck\u00ff");
        assertThat(page("", "ann", "", 9)).containsExactly("a", "truck-1");
        assertThat(page("truck-", "bob", "", 9)).containsExactly("truck-2");
        assertThat(page("", "", "", 9)).isEmpty();
    }

    @Test
    void aPrefixEndsBeforeTheNextText() {
        assertThat(SessionDirectory.behind("ab")).isEqualTo("ac");
        assertThat(SessionDirectory.behind("a\udbff\udfff")).isEqualTo("b");
        assertThat(SessionDirectory.behind("\ud7ff")).isEqualTo("\ue000");
        assertThat(SessionDirectory.behind("")).isNull();
    }

    @Test
    void anEndedSessionIsGone() {
        open("c", "ann");
        assertThat(directory.end("c")).isTrue();
        assertThat(directory.find("c")).isEmpty();
        assertThat(directory.end("c")).isFalse();
    }
}

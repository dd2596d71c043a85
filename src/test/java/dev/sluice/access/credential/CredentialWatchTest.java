package dev.sluice.access.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.credential.CredentialImport.Row;
import dev.sluice.store.credential.StoredCredential.Settings;
import dev.sluice.support.Stopwatch;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How this gateway follows the account of changed credentials, on a real PostgreSQL. */
@Tag("postgres")
class CredentialWatchTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final String HASH = "$token$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc";

    private CredentialRig rig;

    @BeforeEach
    void start() {
        start(StoreRig.Settings.ONE_LANE);
    }

    private void start(StoreRig.Settings settings) {
        rig = new CredentialRig(Map.of(), settings);
        rig.imports.write("ann", rows("device-", 2500), false);
        while (rig.watch.look()) Thread.onSpinWait();
        rig.told.clear(); // of the account of other tests
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private static List<Row> rows(String prefix, int count) {
        return IntStream.range(0, count)
                .mapToObj(n -> new Row(prefix + n, HASH, Settings.NONE))
                .toList();
    }

    private long toldOf() {
        return rig.told.stream()
                .flatMap(it -> it.usernames().stream())
                .distinct()
                .count();
    }

    @Test
    void aLargeChangeIsFollowedPageByPage() {
        SERVER.execute("UPDATE credential SET disabled = true");
        assertThat(rig.watch.look()).isTrue();
        assertThat(toldOf()).as("after the first page").isEqualTo(1000);
        while (rig.watch.look()) Thread.onSpinWait();
        assertThat(toldOf()).isEqualTo(2500);
        assertThat(rig.told).hasSize(3);
    }

    @Test
    void whatFailsGoesOnWhereItWasAndIsSaid() throws Exception {
        Stopwatch.inTime(this::failAndGoOn);
    }

    private void failAndGoOn() throws SQLException {
        rig.close();
        start(StoreRig.Settings.ONE_LANE.hasty());
        SERVER.execute("UPDATE credential SET disabled = true");
        var warnings = new CopyOnWriteArrayList<String>();
        try (var _ = listening(warnings)) {
            rig.watch.look();
            // The names are read, but not the credentials, so that nobody can be told; then not even the names.
            for (var table : List.of("credential", "audit")) {
                try (var locking = SERVER.dataSource().getConnection()) {
                    hold(locking, "LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE");
                    assertThat(rig.watch.look()).isFalse();
                }
            }
            assertThat(warnings).as("throttled").hasSize(1);
            assertThat(warnings.getFirst()).contains("withdrawn", "no answer within");
        }
        assertThat(toldOf())
                .as("of the first page, and of that which could not be told")
                .isEqualTo(2000);
        while (rig.watch.look()) Thread.onSpinWait();
        assertThat(toldOf()).isEqualTo(2500);
        assertThat(rig.told).as("each once").hasSize(3);
    }

    /** Whoever changes credentials waits for that lock, an import, too: nothing else does. */
    @Test
    void anImportThatWaitsDoesNotHoldItUp() throws Exception {
        SERVER.execute("UPDATE credential SET disabled = true WHERE username = 'device-7'");
        try (var locking = SERVER.dataSource().getConnection()) {
            hold(locking, "SELECT FROM credential_set FOR UPDATE");
            var importing = Thread.startVirtualThread(() -> rig.imports.write("imp", rows("new-", 10), false));
            await().until(() -> SERVER.value("SELECT count(*) FROM pg_locks WHERE NOT granted")
                    .equals("1"));
            rig.watch.look();
            assertThat(importing.isAlive()).isTrue();
            assertThat(toldOf()).isEqualTo(1);
            locking.rollback();
            importing.join();
        }
    }

    private static void hold(Connection connection, String sql) throws SQLException {
        connection.setAutoCommit(false);
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** What the watch warns of, until it is closed. */
    private static Listening listening(List<String> warnings) {
        var logger = Logger.getLogger(CredentialWatch.class.getName());
        var handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                if (line.getLevel().intValue() >= Level.WARNING.intValue()) warnings.add(line.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        return () -> logger.removeHandler(handler);
    }

    private interface Listening extends AutoCloseable {
        @Override
        void close();
    }
}

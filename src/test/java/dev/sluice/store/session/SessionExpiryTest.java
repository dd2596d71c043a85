package dev.sluice.store.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class SessionExpiryTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static StoreRig rig;

    @BeforeAll
    static void start() {
        rig = new StoreRig(SERVER, new StoreRig.Settings(1, 100, 100, 50));
    }

    @AfterAll
    static void stop() {
        rig.close();
    }

    @BeforeEach
    void empty() {
        SERVER.empty();
    }

    @Test
    void deletesWhatIsDueInBatchesAndNothingElse() throws Exception {
        insert("due", 120, "false, 60, now() - interval '1 s'");
        insert("later", 3, "false, 60, now() + interval '1 h'");
        insert("never", 3, "false, 4294967295, null");
        insert("online", 3, "true, 60, null");
        SERVER.execute("INSERT INTO received VALUES ('due-1', 1, 'm'), ('later-1', 1, 'm')");
        var before = rig.meters.get("sluice.session.expired").counter().count();

        assertThat(rig.expiry.sweep()).isEqualTo(120);

        assertThat(SERVER.value("SELECT count(*) FROM session")).isEqualTo("9");
        assertThat(SERVER.value("SELECT string_agg(client_id, ',') FROM received"))
                .isEqualTo("later-1");
        assertThat(rig.meters.get("sluice.session.expired").counter().count() - before)
                .isEqualTo(120);
        assertThat(rig.expiry.sweep()).isZero();
    }

    @Test
    void stepsAroundASessionThatIsBeingOpened() throws Exception {
        insert("due", 2, "false, 60, now() - interval '1 s'");
        try (var opener = SERVER.dataSource().getConnection();
                var statement = opener.createStatement()) {
            opener.setAutoCommit(false);
            statement.execute("SELECT * FROM open_session('due-1', false, 5::smallint, 60, null, 'node-1')");

            assertThat(rig.expiry.sweep()).isEqualTo(1);

            opener.commit();
        }
        assertThat(rig.expiry.sweep()).isZero();
        assertThat(SERVER.value("SELECT client_id FROM session WHERE connected"))
                .isEqualTo("due-1");
    }

    /** {@code state}: connected, expiry_seconds, expires_at. */
    private static void insert(String name, int count, String state) {
        SERVER.execute("INSERT INTO session (client_id, epoch, node, resumed, protocol, created_at, connected_at,"
                + " connected, expiry_seconds, expires_at) SELECT '" + name
                + "-' || n, nextval('session_epoch'), 'node-1', false, 5, now(), now(), " + state
                + " FROM generate_series(1, " + count + ") n");
    }
}

package dev.sluice.store.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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

    @Test
    void reclaimsWhatAKilledRunOfThisNodeLeftConnected() throws Exception {
        insert("outlives", 60, "true, 60, null");
        insert("ends", 60, "true, 0, null");
        insert("never", 1, "true, 4294967295, null");
        insert("elsewhere", 1, "true, 60, null");
        SERVER.execute("UPDATE session SET node = 'node-2' WHERE client_id = 'elsewhere-1'");

        assertThat(rig.expiry.reclaim("node-1")).isEqualTo(121);
        assertThat(rig.expiry.sweep()).isEqualTo(60);

        assertThat(SERVER.value("SELECT count(*) FROM session WHERE expires_at > now()"))
                .isEqualTo("60");
        assertThat(SERVER.value("SELECT client_id FROM session WHERE connected"))
                .isEqualTo("elsewhere-1");
        assertThat(rig.open("outlives-1", false, 60).present()).isTrue();
        assertThat(rig.open("never-1", false, 60).present()).isTrue();
    }

    @Test
    void aRowThatIsLockedAtTheStartIsReclaimedLater() throws Exception {
        insert("lost", 3, "true, 60, null");
        SERVER.execute("INSERT INTO will (client_id, delay_seconds, topic, qos, retain, payload)"
                + " SELECT client_id, 0, 't', 0, false, '' FROM session");
        var lost = LostConnections.upToNow(rig.pool, "node-1", 50);
        try (var other = SERVER.dataSource().getConnection();
                var statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SELECT FROM session WHERE client_id = 'lost-2' FOR UPDATE");

            assertThat(lost.end(() -> false)).isEqualTo(new LostConnections.Pass(2, 1));

            other.rollback();
        }
        rig.open("lost-1", false, 60);
        rig.open("new", false, 60);
        var pass = lost.end(() -> false);

        assertThat(pass).isEqualTo(new LostConnections.Pass(1, 0));
        assertThat(lost.isOver(pass)).as("a COMMIT may be under way").isFalse();
        assertThat(SERVER.value("SELECT string_agg(client_id, ' ' ORDER BY client_id) FROM session WHERE connected"))
                .isEqualTo("lost-1 new");
        assertThat(SERVER.value("SELECT count(*) FROM session WHERE expires_at IS NOT NULL"))
                .isEqualTo("2");
        assertThat(SERVER.value("SELECT count(*) FROM will WHERE due_at <= now()"))
                .isEqualTo("3");
    }

    /** Nobody waits for it, however many there are. */
    @Test
    void theStartReclaimsOnTheSweepsThread() throws Exception {
        insert("lost", 120, "true, 60, null");
        insert("due", 1, "false, 60, now() - interval '1 s'");
        rig.expiry.start(null);
        rig.open("new", false, 60);

        await().untilAsserted(() -> assertThat(
                        SERVER.value("SELECT string_agg(client_id, ' ') FROM session WHERE expires_at IS NULL"))
                .isEqualTo("new"));
        await().untilAsserted(() ->
                assertThat(SERVER.value("SELECT count(*) FROM session")).isEqualTo("121"));
        rig.expiry.stop(null);
    }

    /** {@code state}: connected, expiry_seconds, expires_at. */
    private static void insert(String name, int count, String state) {
        SERVER.execute("INSERT INTO session (client_id, epoch, node, resumed, protocol, created_at, connected_at,"
                + " connected, expiry_seconds, expires_at) SELECT '" + name
                + "-' || n, nextval('session_epoch'), 'node-1', false, 5, now(), now(), " + state
                + " FROM generate_series(1, " + count + ") n");
    }
}

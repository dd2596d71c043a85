package dev.sluice.store.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class BurialTest {
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

    private static double buried() {
        return rig.meters.get("sluice.nodes.buried").counter().count();
    }

    /** One whose lease is over. */
    private static void silent(String id) {
        SERVER.execute("INSERT INTO node (id, run, mailbox, lease_until, started_at)" + " VALUES ('" + id
                + "', nextval('session_epoch'), 1, now() - interval '1 s', now())");
    }

    private static void buryAll(BooleanSupplier stopped) throws SQLException {
        rig.burial.buryDead(rig.burial.signs("gravedigger"), (_, _) -> {}, stopped);
    }

    /** Its lease is over by PostgreSQL's clock, which somebody may have put forward. */
    @Test
    void theLivingAreLeftAlone() throws Exception {
        silent("node-1");
        SERVER.execute(
                "INSERT INTO node (id, run, mailbox, lease_until, started_at) VALUES ('gravedigger', 1, 2, now(), now())");
        insert("online", 3, "true, 60, null");
        var before = rig.burial.signs("gravedigger");
        assertThat(before).extracting(Burial.Sign::id).containsExactly("node-1");
        SERVER.execute("UPDATE node SET lease_until = lease_until + interval '1 microsecond'");

        rig.burial.buryDead(before, (_, _) -> {}, () -> false);
        rig.burial.buryDead(List.of(), (_, _) -> {}, () -> false);

        assertThat(SERVER.value("SELECT count(*) FROM session WHERE connected")).isEqualTo("3");
        assertThat(SERVER.value("SELECT count(*) FROM node WHERE last_epoch IS NULL"))
                .isEqualTo("2");
    }

    /** PostgreSQL's clock was put back. */
    @Test
    void aLeaseThatLastsByPostgresqlsClockSavesNobody() throws Exception {
        silent("node-1");
        SERVER.execute("UPDATE node SET lease_until = now() + interval '1 h'");
        insert("lost", 3, "true, 60, null");

        buryAll(() -> false);

        assertThat(SERVER.value("SELECT count(*) FROM session WHERE connected")).isEqualTo("0");
    }

    /** It is the name's next run that renews. */
    @Test
    void aSuccessorIsLeftAlone() throws Exception {
        silent("node-1");
        var before = rig.burial.signs("gravedigger");
        SERVER.execute("UPDATE node SET run = run + 1");

        rig.burial.buryDead(before, (_, _) -> {}, () -> false);

        assertThat(SERVER.value("SELECT count(*) FROM node WHERE last_epoch IS NULL"))
                .isEqualTo("1");
    }

    @Test
    void twoBuryTogether() throws Exception {
        silent("node-1");
        insert("lost", 1000, "true, 60, null");
        insert("elsewhere", 1, "true, 60, null");
        SERVER.execute("UPDATE session SET node = 'node-2' WHERE client_id = 'elsewhere-1'");
        var before = buried();

        var other = CompletableFuture.runAsync(BurialTest::bury);
        while (!SERVER.value("SELECT count(*) FROM node").equals("0")) bury();
        other.join();

        assertThat(SERVER.value("SELECT string_agg(client_id, ' ') FROM session WHERE connected"))
                .isEqualTo("elsewhere-1");
        assertThat(SERVER.value("SELECT count(*) FROM session WHERE expires_at > now()"))
                .isEqualTo("1000");
        assertThat(buried() - before).isEqualTo(1);
    }

    private static void bury() {
        try {
            buryAll(() -> false);
        } catch (SQLException failure) {
            throw new IllegalStateException(failure);
        }
    }

    @Test
    void anotherGoesOnWhereOneHasStopped() throws Exception {
        silent("node-1");
        insert("lost", 120, "true, 60, null");
        var turns = new AtomicInteger();

        // The first answer lets it begin, the second one ends it after a batch.
        buryAll(() -> turns.getAndIncrement() > 0);

        assertThat(SERVER.value("SELECT count(*) FROM session WHERE connected")).isEqualTo("70");
        assertThat(SERVER.value("SELECT state FROM v_node")).isEqualTo("dead");
        buryAll(() -> false);
        assertThat(SERVER.value("SELECT count(*) FROM session WHERE connected")).isEqualTo("0");
        assertThat(SERVER.value("SELECT count(*) FROM node")).isEqualTo("0");
    }

    /** The name is borne again: what the later run opens is not the dead one's. */
    @Test
    void aSuccessorEndsTheBurial() throws Exception {
        silent("node-1");
        insert("lost", 60, "true, 60, null");
        var turns = new AtomicInteger();
        buryAll(() -> turns.getAndIncrement() > 0);
        SERVER.execute("SELECT claim_node('node-1', true, interval '1 h', 63, 'host:1', '1')");
        rig.open("new", false, 60);

        rig.burial.buryDead(List.of(), (_, _) -> {}, () -> false);

        assertThat(SERVER.value("SELECT count(*) FROM session WHERE connected")).isEqualTo("11");
        assertThat(SERVER.value("SELECT state FROM v_node")).isEqualTo("alive");
        var run = Long.parseLong(SERVER.value("SELECT run FROM node"));
        assertThat(rig.burial.endEarlier("node-1", run, () -> false)).isEqualTo(new Burial.Pass(10, 0));
        assertThat(SERVER.value("SELECT client_id FROM session WHERE connected"))
                .isEqualTo("new");
    }

    @Test
    void whatARunLeftIsOffline() throws Exception {
        insert("outlives", 60, "true, 60, null");
        insert("ends", 60, "true, 0, null");
        insert("never", 1, "true, 4294967295, null");
        insert("elsewhere", 1, "true, 60, null");
        SERVER.execute("UPDATE session SET node = 'node-2' WHERE client_id = 'elsewhere-1'");

        assertThat(rig.reclaim("node-1")).isEqualTo(121);
        assertThat(rig.expiry.sweep()).isEqualTo(60);

        assertThat(SERVER.value("SELECT count(*) FROM session WHERE expires_at > now()"))
                .isEqualTo("60");
        assertThat(SERVER.value("SELECT client_id FROM session WHERE connected"))
                .isEqualTo("elsewhere-1");
        assertThat(rig.open("outlives-1", false, 60).present()).isTrue();
        assertThat(rig.open("never-1", false, 60).present()).isTrue();
    }

    @Test
    void aRowThatIsLockedIsEndedLater() throws Exception {
        silent("node-1");
        insert("lost", 3, "true, 60, null");
        SERVER.execute("INSERT INTO will (client_id, delay_seconds, topic, qos, retain, payload)"
                + " SELECT client_id, 0, 't', 0, false, '' FROM session");
        try (var other = SERVER.dataSource().getConnection();
                var statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SELECT FROM session WHERE client_id = 'lost-2' FOR UPDATE");

            buryAll(() -> false);

            assertThat(SERVER.value("SELECT client_id FROM session WHERE connected"))
                    .isEqualTo("lost-2");
            assertThat(SERVER.value("SELECT state FROM v_node")).isEqualTo("dead");
            other.rollback();
        }
        rig.open("lost-1", false, 60);
        buryAll(() -> false);

        assertThat(SERVER.value("SELECT client_id FROM session WHERE connected"))
                .isEqualTo("lost-1");
        assertThat(SERVER.value("SELECT count(*) FROM session WHERE expires_at IS NOT NULL"))
                .isEqualTo("2");
        assertThat(SERVER.value("SELECT count(*) FROM will WHERE due_at <= now()"))
                .isEqualTo("3");
        assertThat(SERVER.value("SELECT count(*) FROM node")).isEqualTo("0");
    }

    /** {@code state}: connected, expiry_seconds, expires_at. */
    private static void insert(String name, int count, String state) {
        SERVER.execute("INSERT INTO session (client_id, epoch, node, resumed, protocol, created_at, connected_at,"
                + " connected, expiry_seconds, expires_at) SELECT '" + name
                + "-' || n, nextval('session_epoch'), 'node-1', false, 5, now(), now(), " + state
                + " FROM generate_series(1, " + count + ") n");
    }

    /** One of a version without rows; one that has left, or died, writes no more. */
    @Test
    void whoWritesAndHasNoRowIsFound() throws SQLException {
        SERVER.execute("INSERT INTO node (id, run, lease_until, started_at) VALUES ('known', 1, now(), now())");
        SERVER.execute(
                "INSERT INTO lane VALUES (1, 'known', 0, now()), (2, 'unknown', 0, now()), (3, 'unknown', 0, now()),"
                        + " (4, 'gone', 0, now() - interval '1 min'), (5, '', 0, now())");
        assertThat(rig.burial.unregistered(Duration.ofSeconds(30)))
                .containsOnlyOnce("unknown")
                .doesNotContain("known", "gone", "");
    }
}

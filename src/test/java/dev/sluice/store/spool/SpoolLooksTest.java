package dev.sluice.store.spool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreRig;
import dev.sluice.support.NodeSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Looks at the spool pass over what was drained, and over nothing else. */
@Tag("postgres")
class SpoolLooksTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final int LANE = 3;
    private static final Pattern BUFFERS = Pattern.compile("Buffers: shared hit=(\\d+)(?: read=(\\d+))?");

    private final LaneFloors floors = new LaneFloors(Duration.ZERO, Duration.ofHours(1));
    private StoreRig rig;
    private SpoolStore spool;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        spool = spool(floors);
        spool.start();
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private SpoolStore spool(LaneFloors floors) {
        var requests = new StoreRequests(rig.pool, StoreRig.Settings.ONE_LANE, rig.health, new SimpleMeterRegistry());
        return new SpoolStore(requests, NodeSettings.of("node"), floors);
    }

    private static void put(int rows) {
        SERVER.execute("""
                INSERT INTO spool (lane, seq, client_id, kafka_topic, key, headers, value, record_at, bytes)
                SELECT %d, nextval('spool_seq'), 'c', 't', '', '', '', 1, 100 FROM generate_series(1, %d)""".formatted(LANE, rows));
    }

    private boolean seesNothing() {
        return spool.state().stripes().get(LANE).isEmpty();
    }

    /** Pages that a look from there reads. */
    private static int pages(Connection connection, Long[] after) throws SQLException {
        try (var explain = connection.prepareStatement("EXPLAIN (ANALYZE, BUFFERS) " + SpoolStore.LANE_STATES)) {
            explain.setLong(1, 1);
            explain.setArray(2, connection.createArrayOf("int8", after));
            explain.setLong(3, 1);
            try (var lines = explain.executeQuery()) {
                while (lines.next()) {
                    var buffers = BUFFERS.matcher(lines.getString(1));
                    if (!buffers.find()) continue;
                    var read = buffers.group(2);
                    return Integer.parseInt(buffers.group(1)) + (read == null ? 0 : Integer.parseInt(read));
                }
            }
        }
        throw new AssertionError("no buffers");
    }

    /** As that of a backup. */
    @Test
    void whatWasDrainedUnderAnOldSnapshotCostsNoLook() throws SQLException {
        try (var backup = SERVER.dataSource().getConnection();
                var connection = SERVER.dataSource().getConnection();
                var statement = connection.createStatement()) {
            backup.setAutoCommit(false);
            backup.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            put(50_000);
            backup.createStatement().executeQuery("SELECT count(*) FROM spool");
            SERVER.execute("DELETE FROM spool");
            statement.execute("SET enable_seqscan = off; SET enable_bitmapscan = off");
            spool.state();
            spool.state();
            assertThat(pages(connection, new LaneFloors().next())).isGreaterThan(1000);
            assertThat(pages(connection, floors.next())).isLessThan(400);
            put(1);
            assertThat(seesNothing()).isFalse();
            backup.rollback();
        }
    }

    @Test
    void aRowThatWaitsIsSeenForAsLongAsItWaits() {
        put(1);
        for (int i = 0; i < 5; i++) assertThat(seesNothing()).isFalse();
        put(1);
        SERVER.execute("DELETE FROM spool WHERE seq = (SELECT min(seq) FROM spool)");
        for (int i = 0; i < 5; i++) assertThat(seesNothing()).isFalse();
        SERVER.execute("DELETE FROM spool");
        assertThat(seesNothing()).isTrue();
    }

    /** Its transaction has begun before that of others with higher places. */
    @Test
    void aRowThatIsCommittedLateIsSeen() throws SQLException {
        spool = spool(new LaneFloors(Duration.ofSeconds(30), Duration.ofHours(1)));
        spool.start();
        try (var late = SERVER.dataSource().getConnection();
                var statement = late.createStatement()) {
            late.setAutoCommit(false);
            statement.execute("""
                    INSERT INTO spool (lane, seq, client_id, kafka_topic, key, headers, value, record_at, bytes)
                    VALUES (%d, nextval('spool_seq'), 'c', 't', '', '', '', 1, 100)""".formatted(LANE));
            put(1);
            spool.state();
            SERVER.execute("DELETE FROM spool");
            for (int i = 0; i < 5; i++) assertThat(seesNothing()).isTrue();
            late.commit();
        }
        assertThat(seesNothing()).isFalse();
    }

    /** Later than any transaction of a gateway. */
    @Test
    void nowAndThenALookBeginsAtTheFront() {
        spool = spool(new LaneFloors(Duration.ZERO, Duration.ofMillis(200)));
        put(20);
        SERVER.execute("DELETE FROM spool WHERE seq > (SELECT min(seq) FROM spool)");
        SERVER.execute("UPDATE spool SET lane = 0");
        for (int i = 0; i < 3; i++) spool.state();
        SERVER.execute("UPDATE spool SET lane = " + LANE);
        await().until(() -> !seesNothing());
    }
}

package dev.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.StoreRig.Settings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class StoreWatchTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    @Test
    void theOldestSnapshotIsToldOfAndWhoHoldsIt() throws Exception {
        try (var rig = new StoreRig(SERVER, Settings.ONE_LANE);
                var reader = SERVER.dataSource().getConnection();
                var statement = reader.createStatement()) {
            var meters = new SimpleMeterRegistry();
            var watch = TwoClocksTest.watch(rig, meters);
            var age = meters.get("sluice.store.oldest.snapshot").gauge();
            assertThat(age.value()).isNaN();
            statement.execute("SET application_name = 'the report'");
            reader.setAutoCommit(false);
            statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
            statement.execute("SELECT 1");

            watch.look();

            assertThat(age.value()).isGreaterThan(0);
            assertThat(watch.snapshotComplaint()).contains("of user postgres (the report), idle in transaction");
            assertThat(meters.get("sluice.store.clock.skew").gauge().value()).isCloseTo(0, within(1.0));
            assertThat(watch.skewComplaint()).isNull();

            reader.rollback();
            await().untilAsserted(() -> {
                watch.look();
                assertThat(watch.snapshotComplaint()).isNull();
            });
        }
    }
}

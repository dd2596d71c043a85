package dev.sluice.store;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.support.Stopwatch;
import io.quarkus.runtime.StartupEvent;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class StoreFaultTest {
    private static final StoreRig.Settings SETTINGS = new StoreRig.Settings(2, 8192, 1024, 500);

    private static EmbeddedServer server;
    private StoreRig rig;

    @BeforeAll
    static void startServer() {
        server = EmbeddedServer.start();
    }

    @AfterAll
    static void stopServer() {
        server.close();
    }

    @BeforeEach
    void start() {
        server.empty();
        rig = new StoreRig(server, SETTINGS.hasty());
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    @Test
    void aFrozenServerDelaysWritesAndFailsOpensAndBothGoOnAfterwards() throws Exception {
        var epoch = open("c").epoch();
        server.freeze();
        try {
            var outcomes = IntStream.rangeClosed(1, 500)
                    .mapToObj(id -> rig.remember("c", epoch, id, "m" + id))
                    .toList();
            assertOpenFailsWithin(Duration.ofSeconds(3));
            await().until(() -> !rig.health.available());
            assertOpenFailsWithin(Duration.ofSeconds(1));
            // Longer than the socket timeout, so that the lane has given its connection up and tried again.
            await().until(() ->
                    rig.meters.get("sluice.journal.retries").counter().count() >= 2);
            assertThat(outcomes).noneMatch(CompletableFuture::isDone);

            server.thaw();

            for (var outcome : outcomes)
                assertThat(outcome.get(60, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
            await().until(rig.health::available);
            await().ignoreException(StoreUnavailable.class)
                    .untilAsserted(() ->
                            assertThat(rig.open("c", false, 60).received()).hasSize(500));
        } finally {
            server.thaw();
        }
    }

    /** A PostgreSQL that starts on a busy machine, or is just being promoted. */
    @Test
    void theStartWaitsUntilPostgresTakesWrites() throws Exception {
        var asked = new AtomicInteger();
        var starting = new StoreHealth(Pools.counting(rig.pool, asked), SETTINGS.hasty(), StoreRig.NODE, rig.clock);
        var start = new CompletableFuture<Void>();
        server.freeze();
        try {
            Thread.startVirtualThread(() -> {
                try {
                    starting.start((StartupEvent) null);
                    start.complete(null);
                } catch (RuntimeException failure) {
                    start.completeExceptionally(failure);
                }
            });
            await().until(() -> asked.get() >= 3);
            assertThat(start).isNotDone();
        } finally {
            server.thaw();
        }
        start.get(60, TimeUnit.SECONDS);
        assertThat(starting.available()).isTrue();
        starting.stop();
    }

    @Test
    void aRestartedServerIsFoundAgain() throws Exception {
        var epoch = open("c").epoch();
        CompletableFuture.allOf(IntStream.range(0, 20)
                        .mapToObj(n -> CompletableFuture.runAsync(() -> open("warm-" + n)))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
        server.stop();
        var outcomes = IntStream.rangeClosed(1, 500)
                .mapToObj(id -> rig.remember("c", epoch, id, "m" + id))
                .toList();
        await().until(() -> !rig.health.available());
        assertOpenFailsWithin(Duration.ofSeconds(1));

        server.run();

        for (var outcome : outcomes)
            assertThat(outcome.get(60, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
        await().until(rig.health::available);
        await().ignoreException(StoreUnavailable.class)
                .untilAsserted(
                        () -> assertThat(rig.open("c", false, 60).received()).hasSize(500));
    }

    @Test
    void connectionsThatDiedUnnoticedCostNoOpenAndNoWrite() throws Exception {
        rig.close();
        rig = new StoreRig(server, SETTINGS);
        var epoch = open("c").epoch();
        rig.remember("c", epoch, 1, "m1").join();

        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                + " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");

        var write = rig.remember("c", epoch, 2, "m2");
        assertThat(rig.open("d", false, 60).present()).isFalse();
        assertThat(write.get(60, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
    }

    @Test
    void stoppingWithoutPostgresIsBounded() {
        var epoch = open("c").epoch();
        server.freeze();
        try {
            var outcome = rig.remember("c", epoch, 1, "m1");
            var watch = Stopwatch.start();
            rig.journal.stop();
            watch.assertLessThan(Duration.ofSeconds(5));
            assertThat(outcome).isNotDone();
        } finally {
            server.thaw();
        }
    }

    /** A machine that is busy may take longer than a hasty gateway waits. */
    private OpenedSession open(String clientId) {
        return await().ignoreException(StoreUnavailable.class)
                .until(() -> rig.open(clientId, false, 60), Objects::nonNull);
    }

    private void assertOpenFailsWithin(Duration bound) {
        var watch = Stopwatch.start();
        assertThatThrownBy(() -> rig.open("new", false, 60)).isInstanceOf(StoreUnavailable.class);
        watch.assertLessThan(bound);
    }
}

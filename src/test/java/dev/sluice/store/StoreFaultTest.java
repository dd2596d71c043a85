package dev.sluice.store;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.quarkus.runtime.StartupEvent;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class StoreFaultTest {
    private EmbeddedServer server;
    private StoreRig rig;

    @BeforeEach
    void start() {
        server = EmbeddedServer.start();
        rig = new StoreRig(server, new StoreRig.Settings(2, 8192, 1024, 500));
    }

    @AfterEach
    void stop() {
        rig.close();
        server.close();
    }

    @Test
    void aFrozenServerDelaysWritesAndFailsOpensAndBothGoOnAfterwards() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
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
                assertThat(outcome.get(20, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
            await().until(rig.health::available);
            assertThat(rig.open("c", false, 60).received()).hasSize(500);
        } finally {
            server.thaw();
        }
    }

    /** A PostgreSQL that starts on a busy machine, or is just being promoted. */
    @Test
    void theStartWaitsUntilPostgresTakesWrites() throws Exception {
        var asked = new AtomicInteger();
        var starting = new StoreHealth(
                StoreRig.counting(rig.pool, asked),
                new StoreRig.Settings(2, 8192, 1024, 500),
                StoreRig.NODE,
                rig.clock);
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
        start.get(20, TimeUnit.SECONDS);
        assertThat(starting.available()).isTrue();
        starting.stop();
    }

    @Test
    void aRestartedServerIsFoundAgain() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        CompletableFuture.allOf(IntStream.range(0, 20)
                        .mapToObj(n -> CompletableFuture.runAsync(() -> rig.open("warm-" + n, true, 0)))
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
            assertThat(outcome.get(20, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
        await().until(rig.health::available);
        assertThat(rig.open("c", false, 60).received()).hasSize(500);
    }

    @Test
    void connectionsThatDiedUnnoticedCostNoOpenAndNoWrite() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        rig.remember("c", epoch, 1, "m1").join();

        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                + " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");

        var write = rig.remember("c", epoch, 2, "m2");
        assertThat(rig.open("d", false, 60).present()).isFalse();
        assertThat(write.get(10, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
    }

    @Test
    void stoppingWithoutPostgresIsBounded() {
        var epoch = rig.open("c", false, 60).epoch();
        server.freeze();
        try {
            var outcome = rig.remember("c", epoch, 1, "m1");
            var start = System.nanoTime();
            rig.journal.stop();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
            assertThat(outcome).isNotDone();
        } finally {
            server.thaw();
        }
    }

    private void assertOpenFailsWithin(Duration bound) {
        var start = System.nanoTime();
        assertThatThrownBy(() -> rig.open("new", false, 60)).isInstanceOf(StoreUnavailable.class);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(bound);
    }
}

package dev.sluice.access.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.support.PasswordKeys;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HashingThreadsTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    /** In nanoseconds; only {@link #hashForTooLong} moves it. */
    private final AtomicLong time = new AtomicLong();

    private HashingThreads threads = threads("1");
    private final CountDownLatch free = new CountDownLatch(1);
    private final Semaphore begun = new Semaphore(0);

    private HashingThreads threads(String queue) {
        var config = PasswordKeys.config(Map.of("threads", "1", "queue", queue));
        return new HashingThreads(config, PATIENCE, meters, time::get);
    }

    /** There is room for many, and the clock says that a hash has taken longer than anybody has. */
    private void hashForTooLong() throws InterruptedException {
        threads.stop();
        meters.clear();
        threads = threads("9");
        threads.compute(() -> time.addAndGet(PATIENCE.multipliedBy(2).toNanos()));
    }

    @AfterEach
    void stop() {
        free.countDown();
        threads.stop();
    }

    private Thread occupy(Runnable then) {
        return Thread.ofVirtual().start(() -> {
            try {
                threads.compute(() -> {
                    begun.release();
                    free.await();
                    return null;
                });
                then.run();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private double waiting() {
        return meters.get("sluice.access.hashing.waiting").gauge().value();
    }

    @Test
    void whatFindsNoPlaceIsRefusedAndCounted() throws Exception {
        occupy(() -> {});
        begun.acquire();
        var done = new AtomicBoolean();
        occupy(() -> done.set(true));
        await().until(() -> waiting() == 1);
        assertThatThrownBy(() -> threads.compute(() -> 1)).isInstanceOf(RejectedExecutionException.class);
        assertThat(meters.get("sluice.access.hashing.refused").counter().count())
                .isEqualTo(1);
        free.countDown();
        await().untilTrue(done);
        assertThat(threads.compute(() -> 1)).isEqualTo(1);
    }

    @Test
    void whatCannotBeHashedInTimeIsRefusedAndCounted() throws Exception {
        hashForTooLong();
        occupy(() -> {});
        begun.acquire();
        occupy(() -> {});
        await().until(() -> waiting() == 1);
        assertThatThrownBy(() -> threads.compute(() -> 1)).isInstanceOf(RejectedExecutionException.class);
        assertThat(meters.get("sluice.access.hashing.refused").counter().count())
                .isEqualTo(1);
    }

    /** Else a machine that has stood still for a while would let nobody in any more. */
    @Test
    void nobodyIsRefusedWhileNobodyWaits() throws Exception {
        hashForTooLong();
        threads.compute(() -> time.addAndGet(PATIENCE.multipliedBy(2).toNanos()));
        assertThat(threads.compute(() -> 1)).isEqualTo(1);
    }

    /** A storm of clients that give up leaves nothing behind to be computed. */
    @Test
    void whoGivesUpGivesItsPlaceUp() throws Exception {
        occupy(() -> {});
        begun.acquire();
        var inQueue = occupy(() -> {});
        await().until(() -> waiting() == 1);
        inQueue.interrupt();
        inQueue.join();
        assertThat(waiting()).isZero();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theyStandBehindThoseThatServeClients() throws Exception {
        assertThat(threads.compute(HashingThreadsTest::niceness)).isEqualTo(Math.min(19, niceness() + 10));
        threads.stop();
        meters.clear();
        threads = new HashingThreads(PasswordKeys.config(Map.of("nice", "0")), PATIENCE, meters);
        assertThat(threads.compute(HashingThreadsTest::niceness)).isEqualTo(niceness());
    }

    /** Of the calling thread; field 19 of its line, of which the second one is a name in brackets. */
    private static int niceness() throws IOException {
        var line = Files.readString(Path.of("/proc/thread-self/stat"));
        return Integer.parseInt(line.substring(line.lastIndexOf(')') + 2).split(" ")[16]);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "20"})
    void aNicenessThatLinuxDoesNotHaveIsRefused(String nice) {
        var config = PasswordKeys.config(Map.of("nice", nice));
        assertThatThrownBy(() -> new HashingThreads(config, PATIENCE, meters))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("sluice.access.password.nice: is " + nice + ", and has to be 0 to 19");
    }
}

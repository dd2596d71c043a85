package dev.sluice.store.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.StoreUnavailable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

class JointReadsTest {
    private static final int OTHERS = 50;

    private final JointReads<String> reads = new JointReads<>();
    private final AtomicInteger begun = new AtomicInteger();
    private final CountDownLatch release = new CountDownLatch(1);

    /** The first one may have passed what they look for. */
    @Test
    void thoseWhoComeWhileOneReadsShareTheNextRead() throws InterruptedException {
        var first = begin(() -> read(true));
        await().until(() -> begun.get() == 1);
        var others = beginOthers(() -> reads.read("+/state", () -> false, () -> read(true)));
        release.countDown();
        join(first, others);
        assertThat(begun).hasValue(2);
    }

    @Test
    void whatFailsFailsForAllWhoWaitForIt() throws InterruptedException {
        var first = begin(() -> read(true));
        await().until(() -> begun.get() == 1);
        var failed = new AtomicInteger();
        var others = beginOthers(() -> {
            try {
                reads.read("+/state", () -> false, () -> {
                    begun.incrementAndGet();
                    throw new StoreUnavailable("away", null);
                });
            } catch (StoreUnavailable _) {
                failed.incrementAndGet();
            }
        });
        release.countDown();
        join(first, others);
        assertThat(begun).hasValue(2);
        assertThat(failed).hasValue(OTHERS);
    }

    /** Its client has left. */
    @Test
    void anotherOneReadsOnWhereOneEndsEarly() throws InterruptedException {
        var first = begin(() -> read(false));
        await().until(() -> begun.get() == 1);
        var other = begin(() -> read(true));
        await().until(() -> other.getState() == Thread.State.WAITING);
        release.countDown();
        join(first, List.of(other));
        assertThat(begun).hasValue(2);
    }

    @Test
    void oneThatReadsSomethingElseDoesNotWait() throws InterruptedException {
        var first = begin(() -> read(true));
        await().until(() -> begun.get() == 1);
        reads.read("+/alarm", () -> false, () -> true);
        assertThat(first.isAlive()).isTrue();
        release.countDown();
        first.join();
    }

    private Thread begin(BooleanSupplier read) {
        var over = new AtomicInteger();
        return Thread.ofVirtual().start(() -> reads.read("+/state", () -> over.getAndIncrement() > 0, read));
    }

    private List<Thread> beginOthers(Runnable reading) {
        var others = new ArrayList<Thread>();
        for (int n = 0; n < OTHERS; n++) others.add(Thread.ofVirtual().start(reading));
        await().until(() -> others.stream().allMatch(other -> other.getState() == Thread.State.WAITING));
        return others;
    }

    private static void join(Thread first, List<Thread> others) throws InterruptedException {
        first.join();
        for (var other : others) other.join();
    }

    private boolean read(boolean isWhole) {
        begun.incrementAndGet();
        try {
            release.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        return isWhole;
    }
}

package dev.sluice.clock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class RepeatingTest {
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final Duration SOON = Duration.ofSeconds(60);

    private final Repeating repeating = Repeating.onVirtualThread("test-repeating");
    private final AtomicInteger turns = new AtomicInteger();

    @Test
    void takesTurnsUntilThereIsNothingLeftToDo() {
        repeating.start(() -> turns.incrementAndGet() < 3 ? Duration.ZERO : null);
        assertThat(repeating.join(SOON)).isTrue();
        assertThat(turns).hasValue(3);
        assertThat(repeating.isStopped()).isFalse();
    }

    @Test
    void aStopEndsThePause() throws InterruptedException {
        var taken = new CountDownLatch(1);
        repeating.start(() -> {
            turns.incrementAndGet();
            taken.countDown();
            return LONG;
        });
        assertThat(taken.await(60, TimeUnit.SECONDS)).isTrue();
        repeating.stop();
        assertThat(repeating.join(SOON)).isTrue();
        assertThat(turns).hasValue(1);
    }

    @Test
    void anInterruptEndsTheTurnAndTheWork() throws InterruptedException {
        var taken = new CountDownLatch(1);
        repeating.start(() -> {
            turns.incrementAndGet();
            taken.countDown();
            new CountDownLatch(1).await(); // until it is interrupted
            return Duration.ZERO;
        });
        assertThat(taken.await(60, TimeUnit.SECONDS)).isTrue();
        repeating.interrupt();
        assertThat(repeating.join(SOON)).isTrue();
        assertThat(turns).hasValue(1);
    }

    /** As one that stops the work while another one starts it. */
    @Test
    void whoJoinsWhileItIsStartedIsNotThrownOut() throws Exception {
        var round = new AtomicInteger();
        var current = new AtomicReference<Repeating>();
        try (var others = Executors.newSingleThreadExecutor()) {
            var joins = others.submit(() -> {
                while (round.get() < 2000) {
                    var starting = current.get();
                    if (starting != null) starting.join(Duration.ZERO);
                }
            });
            while (round.incrementAndGet() < 2000) {
                var starting = Repeating.onPlatformThread("test-start");
                current.set(starting);
                starting.start(() -> null);
                assertThat(starting.join(SOON)).isTrue();
            }
            joins.get();
        }
    }

    @Test
    void aTurnThatThrowsIsFollowedByAnother() {
        repeating.start(() -> {
            if (turns.incrementAndGet() == 1) throw new IllegalStateException("expected in this test");
            return null;
        });
        assertThat(repeating.join(SOON)).isTrue();
        assertThat(turns).hasValue(2);
    }

    @Test
    void workThatIsDoneAtIntervalsIsDoneForTheFirstTimeAfterOne() throws InterruptedException {
        repeating.every(LONG, turns::incrementAndGet);
        repeating.stop();
        assertThat(repeating.join(SOON)).isTrue();
        assertThat(turns).hasValue(0);
        var often = Repeating.onPlatformThread("test-often");
        var thrice = new CountDownLatch(3);
        often.every(Duration.ofMillis(1), thrice::countDown);
        assertThat(thrice.await(60, TimeUnit.SECONDS)).isTrue();
        often.stop();
        assertThat(often.join(SOON)).isTrue();
    }

    @Test
    void onceStoppedItTakesNoTurnHoweverOftenItIsStarted() {
        repeating.start(() -> null);
        assertThat(repeating.join(SOON)).isTrue();
        repeating.stop();
        repeating.start(() -> {
            turns.incrementAndGet();
            return null;
        });
        assertThat(repeating.join(SOON)).isTrue();
        assertThat(turns).hasValue(0);
    }

    @Test
    void aThreadThatEndsBeforeItsWorkIsNamed() {
        repeating.start(() -> {
            Thread.currentThread().interrupt(); // by nobody who meant to end it
            return LONG;
        });
        assertThat(repeating.join(SOON)).isTrue();
        assertThat(Repeating.dead()).contains("test-repeating");
        repeating.interrupt();
        assertThat(Repeating.dead()).doesNotContain("test-repeating");
    }

    @Test
    void aThreadThatIsDoneOrStoppedIsNotNamed() {
        var done = Repeating.onVirtualThread("test-done");
        done.start(() -> null);
        assertThat(done.join(SOON)).isTrue();
        repeating.start(() -> LONG);
        repeating.stop();
        assertThat(repeating.join(SOON)).isTrue();
        assertThat(Repeating.dead()).doesNotContain("test-done", "test-repeating");
    }

    /** As when a start fails, which tells nobody to stop. */
    @Test
    void allThatNobodyHasStoppedStopsAfterItsTurn() throws InterruptedException {
        var taken = new CountDownLatch(1);
        var goesOn = new CountDownLatch(1);
        repeating.start(() -> {
            turns.incrementAndGet();
            taken.countDown();
            if (!goesOn.await(60, TimeUnit.SECONDS)) throw new IllegalStateException("nobody has let it go on");
            return Duration.ZERO;
        });
        assertThat(taken.await(60, TimeUnit.SECONDS)).isTrue();
        Repeating.stopAll(Duration.ofMillis(1));
        assertThat(repeating.isStopped()).isTrue();
        goesOn.countDown();
        Repeating.stopAll(SOON);
        assertThat(repeating.join(SOON)).isTrue();
        assertThat(turns).hasValue(1);
    }
}

package dev.sluice.support;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;

/**
 * How long something took, and how much of that the machine stood still: a virtual machine may be away for seconds, and so may a JVM that
 * collects. A thread that does nothing but sleep notices, since it wakes too late. That time is left out where something has to come soon,
 * and is counted where something must not come too soon. Any thread may use it.
 */
public final class Stopwatch {
    private static final long NAP_NANOS = 10_000_000;
    /** A thread that is woken this much too late had to wait for its turn, as on any machine with something to do. */
    private static final long USUAL_NANOS = 20_000_000;

    /** From here on a client may have been silent for too long, and is no example of one that was not. */
    private static final Duration SPOILT = Duration.ofMillis(500);

    private static final int ATTEMPTS = 3;

    private static volatile long awakeAt = System.nanoTime();
    private static volatile long lateNanos;

    static {
        Thread.ofPlatform().daemon().name("stopwatch").start(Stopwatch::watch);
    }

    /** What takes turns with the gateway in time. */
    public interface Turns {
        void take() throws Exception;
    }

    private final long start;
    private final long lateAtStart;

    private Stopwatch(long start, long lateAtStart) {
        this.start = start;
        this.lateAtStart = lateAtStart;
    }

    public static Stopwatch start() {
        return new Stopwatch(System.nanoTime(), late());
    }

    private static void watch() {
        while (true) {
            LockSupport.parkNanos(NAP_NANOS);
            var now = System.nanoTime();
            lateNanos += lateness(now);
            awakeAt = now;
        }
    }

    private static long lateness(long now) {
        var late = now - awakeAt - NAP_NANOS;
        return late > USUAL_NANOS ? late : 0;
    }

    /** Also of the nap that has not ended yet. */
    private static long late() {
        return lateNanos + lateness(System.nanoTime());
    }

    public Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /** How long the machine has stood still since the start. */
    public Duration stalled() {
        return Duration.ofNanos(Math.max(0, late() - lateAtStart));
    }

    /** Of a machine that never stands still. */
    public void assertLessThan(Duration bound) {
        assertLess(elapsed(), bound);
    }

    public void assertBetween(Duration least, Duration bound) {
        var elapsed = elapsed();
        assertThat(elapsed).isGreaterThanOrEqualTo(least);
        assertLess(elapsed, bound);
    }

    /** Waits for a condition, which has to be true that soon. */
    public static void within(Duration bound, Callable<Boolean> condition) {
        var watch = start();
        Awaitility.await().pollInterval(Duration.ofMillis(20)).until(condition);
        watch.assertLessThan(bound);
    }

    /** Takes turns in time with the gateway; once more when that failed while the machine stood still. */
    public static void inTime(Turns turns) throws Exception {
        for (int attempt = 1; ; attempt++) {
            var watch = start();
            try {
                turns.take();
                return;
            } catch (Exception | AssertionError failed) {
                if (attempt == ATTEMPTS || watch.stalled().compareTo(SPOILT) < 0) throw failed;
            }
        }
    }

    private void assertLess(Duration elapsed, Duration bound) {
        var stalled = stalled();
        assertThat(elapsed.minus(stalled))
                .as("%s, of which the machine stood still for %s", elapsed, stalled)
                .isLessThan(bound);
    }
}

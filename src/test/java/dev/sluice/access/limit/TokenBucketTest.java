package dev.sluice.access.limit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** By a clock of the test's own. */
class TokenBucketTest {
    private static final long SECOND = 1_000_000_000L;

    /** Near the wrap of the JVM's clock. */
    private long now = Long.MAX_VALUE - SECOND;

    /** Takes whatever there is room for in so many seconds, looking at random times. */
    private long taken(TokenBucket bucket, int seconds, int size, long mostPause) {
        var random = new Random(7);
        var taken = 0L;
        var passed = 0L;
        while (passed < seconds * SECOND) {
            while (bucket.untilRoom(now) == 0) {
                bucket.take(size, now);
                taken += size;
            }
            var pause = 1 + random.nextLong(mostPause);
            passed += pause;
            now += pause;
        }
        return taken;
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 1", "100, 1", "777, 1", "50000, 77"})
    void aFlooderGetsItsRateAndOneBurst(long rate, int size) {
        var bucket = new TokenBucket(rate, SECOND, now);
        var seconds = 1000;
        assertThat(taken(bucket, seconds, size, SECOND / 10)).isBetween(rate * seconds, rate * (seconds + 1) + size);
    }

    /** What is larger than a burst passes, too, and is paid for by a wait. */
    @Test
    void bytesComeInPiecesOfAnySize() {
        var bucket = new TokenBucket(1000, SECOND, now);
        var seconds = 10_000;
        assertThat(taken(bucket, seconds, 5000, SECOND / 10)).isBetween(1000L * seconds, 1000L * seconds + 6000);
        var huge = new TokenBucket(10_000_000_000L, SECOND, now);
        huge.take(268_435_460, now);
        assertThat(huge.untilRoom(now)).isZero();
    }

    @Test
    void theWaitIsExact() {
        var bucket = new TokenBucket(10, SECOND, now);
        for (int i = 0; i < 10; i++) assertThat(bucket.tryTake(now)).isTrue();
        assertThat(bucket.tryTake(now)).isFalse();
        assertThat(bucket.untilRoom(now)).isEqualTo(SECOND / 10);
        assertThat(bucket.tryTake(now + SECOND / 10 - 1)).isFalse();
        assertThat(bucket.tryTake(now + SECOND / 10)).isTrue();
        bucket.take(1, now);
        assertThat(bucket.untilRoom(now)).isEqualTo(3 * SECOND / 10);
    }

    /** Time in which nothing was asked for is worth one burst. */
    @Test
    void idlenessIsWorthOneBurst() {
        var bucket = new TokenBucket(100, SECOND, now);
        now += 1000 * SECOND;
        assertThat(taken(bucket, 1, 1, 1000)).isBetween(199L, 201L);
        assertThat(bucket.isFull(now)).isFalse();
        assertThat(bucket.isFull(now + SECOND + SECOND / 100)).isTrue();
    }

    @Test
    void anotherRateCountsFromNowOn() {
        var bucket = new TokenBucket(10, SECOND, now);
        taken(bucket, 10, 1, 1000_000);
        bucket.setRate(1000);
        assertThat(taken(bucket, 100, 1, 1000_000)).isBetween(99_000L, 101_000L);
    }

    /** Event loops share it without a lock. */
    @Test
    void manyThreadsTakeNoMoreThanThereIs() throws Exception {
        var bucket = new TokenBucket(1000, SECOND, now);
        var granted = new AtomicLong();
        try (var threads = Executors.newFixedThreadPool(4)) {
            for (int i = 0; i < 4; i++)
                threads.submit(() -> {
                    for (int j = 0; j < 5000; j++) if (bucket.tryTake(now)) granted.incrementAndGet();
                });
        }
        assertThat(granted).hasValue(1000);
    }
}

package dev.sluice.access.limit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TakeOversTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int FREE = 3;

    private final TakeOvers takeOvers = new TakeOvers(FREE, SECOND, 10 * SECOND, 60 * SECOND, 5);
    private long now = 1;

    @Test
    void theDelayGrowsUpToABoundAndIsForgotten() {
        for (int i = 0; i < FREE; i++) assertThat(takeOvers.count("c", now)).isZero();
        for (var seconds : new int[] {1, 2, 4, 8, 10, 10})
            assertThat(takeOvers.count("c", now)).isEqualTo(seconds * SECOND);
        assertThat(takeOvers.count("other", now)).isZero();
        now += 600 * SECOND;
        assertThat(takeOvers.count("c", now)).isZero();
    }

    /** Two devices that come back at once, whenever the other one has thrown them out. */
    @Test
    void aFightGoesOnButSlowly() {
        var begun = now;
        var count = 0;
        for (; now - begun < 600 * SECOND; count++) now += takeOvers.count("c", now) + SECOND / 100;
        assertThat(count).isBetween(60, 200);
    }

    /** A device that loses its network now and then is not slowed down. */
    @Test
    void whoComesBackNowAndThenWaitsForNothing() {
        for (int i = 0; i < 100; i++, now += 60 * SECOND)
            assertThat(takeOvers.count("c", now)).isZero();
    }

    @Test
    void theTableIsBoundedAndMayBeOff() {
        for (int i = 0; i < 100; i++) takeOvers.count("c" + i, now);
        assertThat(takeOvers.size()).isEqualTo(5);
        var off = new TakeOvers(0, SECOND, 0, SECOND, 5);
        for (int i = 0; i < 10; i++) assertThat(off.count("c", now)).isZero();
    }
}

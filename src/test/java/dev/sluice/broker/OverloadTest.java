package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class OverloadTest {
    private static final int HEAP = 90;
    private static final Duration DELAY = Duration.ofSeconds(2);

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private long heap = 50;
    private long delay;
    private final Overload overload = new Overload(HEAP, DELAY, () -> heap, () -> delay, meters);

    private void look(int times) {
        for (int i = 0; i < times; i++) overload.look();
    }

    @Test
    void aFullHeapOrALateLoopRefusesAndOnlySomeGoodLooksEndThat() {
        look(10);
        assertThat(overload.refuses()).isFalse();
        heap = HEAP;
        look(1);
        assertThat(overload.refuses()).isTrue();
        assertThat(meters.get("sluice.overload").gauge().value()).isEqualTo(1);
        assertThat(meters.get("sluice.overload.refused").counter().count()).isEqualTo(1);
        // A little less is not enough, whatever the time.
        heap = HEAP - 1;
        look(100);
        assertThat(overload.isOn()).isTrue();
        heap = 50;
        look(4);
        delay = DELAY.toNanos();
        look(1);
        delay = 0;
        look(4);
        assertThat(overload.isOn()).isTrue();
        look(1);
        assertThat(overload.isOn()).isFalse();
        assertThat(meters.get("sluice.overload").gauge().value()).isZero();
    }

    /** Good looks count in a row: one within the margin begins the row anew. */
    @Test
    void aLookWithinTheMarginIsNoGoodOne() {
        heap = HEAP;
        look(1);
        heap = 50;
        look(4);
        heap = HEAP - 1;
        look(1);
        heap = 50;
        look(4);
        assertThat(overload.isOn()).isTrue();
        look(1);
        assertThat(overload.isOn()).isFalse();
    }

    @Test
    void zeroSwitchesOff() {
        var off = new Overload(0, Duration.ZERO, () -> 100, () -> Long.MAX_VALUE, new SimpleMeterRegistry());
        off.look();
        assertThat(off.isOn()).isFalse();
    }
}

package dev.sluice.cluster.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How old what a gateway knows of the others may be, by a clock that the test turns. */
class FreshnessTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private long now;
    private final Freshness freshness =
            new Freshness(Duration.ofMillis(1000), () -> now * 1_000_000, new RelayMeters(registry));

    private void cameBack(long writtenAt) {
        freshness.cameBack(writtenAt * 1_000_000);
    }

    private double count(String meter) {
        return registry.get(meter).counter().count();
    }

    @Test
    void afterAFreezeNobodyIsServedBeforeAHeartbeatHasComeBack() {
        now = 400;
        cameBack(350);
        now = 800;
        assertThat(freshness.isSufficient()).isTrue();
        now = 4000;
        assertThat(freshness.isSufficient()).isFalse();
        cameBack(900); // it was written before the freeze
        assertThat(freshness.isSufficient()).isFalse();
        now = 4020;
        cameBack(4001);
        assertThat(freshness.isSufficient()).isTrue();
        assertThat(count("sluice.relay.stale")).isOne();
        assertThat(count("sluice.relay.stale.exceeded")).isZero();
    }

    @Test
    void aRelayThatStandsStillHoldsUpNobodyForLong() {
        now = 4000;
        assertThat(freshness.isSufficient()).isFalse();
        now = 4999;
        assertThat(freshness.isSufficient()).isFalse();
        now = 5000;
        assertThat(freshness.isSufficient()).isTrue();
        now = 9000;
        cameBack(4000);
        assertThat(freshness.isSufficient()).isTrue();
        assertThat(count("sluice.relay.stale.exceeded")).isOne();
        cameBack(8900);
        now = 20_000;
        assertThat(freshness.isSufficient()).isFalse();
        assertThat(count("sluice.relay.stale")).isEqualTo(2);
    }

    @Test
    void aRelayThatIsAlwaysLateHoldsUpNobodyForLongEither() {
        for (now = 2000; now < 3000; now += 100) {
            cameBack(now - 950);
            assertThat(freshness.isSufficient()).isFalse();
        }
        cameBack(now - 950);
        assertThat(freshness.isSufficient()).isTrue();
        assertThat(count("sluice.relay.stale")).isOne();
        assertThat(count("sluice.relay.stale.exceeded")).isOne();
    }
}

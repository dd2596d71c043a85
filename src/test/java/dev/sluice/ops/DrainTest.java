package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.broker.Departures;
import dev.sluice.support.NodeSettings;
import dev.sluice.support.Stopwatch;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheckResponse.Status;
import org.junit.jupiter.api.Test;

/** A gateway without clients that is drained. */
class DrainTest {
    private Departures departures;

    private Drain drain(String delay) {
        var config = NodeSettings.of("node-1", "drain-delay", delay);
        departures = new Departures(config, new SimpleMeterRegistry());
        return new Drain(departures, config);
    }

    private static boolean isReady(Drain drain) {
        return drain.call().getStatus() == Status.UP;
    }

    @Test
    void whoIsAskedIsNotReadyAndLetsClientsGo() {
        var drain = drain("0s");
        assertThat(isReady(drain)).isTrue();
        for (int i = 0; i < 2; i++) {
            drain.asked(true);
            assertThat(isReady(drain)).isFalse();
            await().until(departures::isDraining);
        }
    }

    @Test
    void clientsComeAndStayDuringTheDelay() throws Exception {
        Stopwatch.inTime(() -> {
            var drain = drain("1s");
            var begun = System.nanoTime();
            drain.asked(true);
            assertThat(isReady(drain)).isFalse();
            assertThat(departures.isDraining()).isFalse();
            await().until(departures::isDraining);
            assertThat(System.nanoTime() - begun)
                    .isGreaterThanOrEqualTo(Duration.ofSeconds(1).toNanos());
        });
    }

    @Test
    void aDrainIsTakenBack() {
        var drain = drain("0s");
        drain.asked(true);
        await().until(departures::isDraining);
        drain.asked(false);
        assertThat(isReady(drain)).isTrue();
        assertThat(departures.isDraining()).isFalse();
    }

    @Test
    void oneThatIsTakenBackDuringTheDelayLetsNobodyGo() {
        var drain = drain("300ms");
        drain.asked(true);
        drain.asked(false);
        drain.asked(true);
        var begun = System.nanoTime();
        drain.asked(false);
        await().until(() -> System.nanoTime() - begun > Duration.ofMillis(600).toNanos());
        assertThat(departures.isDraining()).isFalse();
        assertThat(isReady(drain)).isTrue();
    }

    @Test
    void aStopIsNotTakenBack() {
        var drain = drain("0s");
        drain.asked(true);
        await().until(departures::isDraining);
        drain.delay(new ShutdownDelayInitiatedEvent());
        drain.asked(false);
        assertThat(departures.isDraining()).isTrue();
        assertThat(isReady(drain)).isFalse();
    }

    @Test
    void aStopServesOnDuringTheDelay() {
        var drain = drain("300ms");
        var begun = System.nanoTime();
        drain.delay(new ShutdownDelayInitiatedEvent());
        assertThat(System.nanoTime() - begun)
                .isGreaterThanOrEqualTo(Duration.ofMillis(300).toNanos());
        assertThat(isReady(drain)).isFalse();
        assertThat(departures.isDraining()).isFalse();
        drain.stop(new ShutdownDelayInitiatedEvent());
        assertThat(isReady(drain)).isFalse();
        assertThat(departures.isDraining()).isTrue();
    }
}

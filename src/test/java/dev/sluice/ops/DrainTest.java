package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.broker.Departures;
import dev.sluice.cluster.DrainAsked;
import dev.sluice.support.NodeSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheckResponse.Status;
import org.junit.jupiter.api.Test;

/** A gateway without clients that is drained. */
class DrainTest {
    private static final DrainAsked DRAIN = new DrainAsked(true);
    private static final DrainAsked STAY = new DrainAsked(false);

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
    void whoIsAskedIsNotReadyAndLetsClientsGoUntilThatIsTakenBack() {
        var drain = drain("0s");
        assertThat(isReady(drain)).isTrue();
        drain.asked(STAY);
        assertThat(isReady(drain)).isTrue();
        for (int i = 0; i < 2; i++) {
            drain.asked(DRAIN);
            assertThat(isReady(drain)).isFalse();
            await().until(departures::isDraining);
            drain.asked(STAY);
            assertThat(isReady(drain)).isTrue();
            assertThat(departures.isDraining()).isFalse();
        }
    }

    @Test
    void clientsComeAndStayDuringTheDelay() {
        var drain = drain("500ms");
        var begun = System.nanoTime();
        drain.asked(DRAIN);
        assertThat(isReady(drain)).isFalse();
        assertThat(departures.isDraining()).isFalse();
        await().until(departures::isDraining);
        assertThat(System.nanoTime() - begun)
                .isGreaterThanOrEqualTo(Duration.ofMillis(500).toNanos());
    }

    @Test
    void aDemandThatIsTakenBackDuringItsDelayDrainsNobody() {
        var drain = drain("300ms");
        drain.asked(DRAIN);
        drain.asked(STAY);
        var begun = System.nanoTime();
        drain.asked(DRAIN);
        await().pollInterval(Duration.ofMillis(5)).until(departures::isDraining);
        assertThat(System.nanoTime() - begun)
                .as("not by the first one")
                .isGreaterThanOrEqualTo(Duration.ofMillis(300).toNanos());
    }

    @Test
    void aStopIsNotTakenBack() {
        var drain = drain("300ms");
        var begun = System.nanoTime();
        drain.delay(new ShutdownDelayInitiatedEvent());
        assertThat(System.nanoTime() - begun)
                .isGreaterThanOrEqualTo(Duration.ofMillis(300).toNanos());
        assertThat(isReady(drain)).isFalse();
        assertThat(departures.isDraining()).isFalse();
        drain.stop(new ShutdownDelayInitiatedEvent());
        drain.asked(STAY);
        assertThat(isReady(drain)).isFalse();
        assertThat(departures.isDraining()).isTrue();
    }
}

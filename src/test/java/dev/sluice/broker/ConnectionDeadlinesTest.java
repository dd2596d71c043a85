package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.broker.ConnectionDeadlines.Reading;
import dev.sluice.config.MqttConfig;
import dev.sluice.session.Event;
import dev.sluice.session.Phase;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ConnectionDeadlinesTest {
    private static final MqttConfig CONFIG = new SmallRyeConfigBuilder()
            .addDiscoveredConverters()
            .withMapping(MqttConfig.class)
            .build()
            .getConfigMapping(MqttConfig.class);

    private final long accepted = System.nanoTime();
    private final ConnectionDeadlines deadlines = new ConnectionDeadlines(
            CONFIG,
            Duration.ofHours(1),
            new Proof(null, null, null, null, null),
            accepted,
            0,
            Duration.ofMinutes(50).toNanos());

    private Event at(Duration since) {
        var now = accepted + since.toNanos();
        return deadlines.late(now, new Phase.AwaitingConnect(), null, new Reading(false, now, 0), true);
    }

    @Test
    void aConnectIsAwaitedSinceTheAcceptance() {
        assertThat(at(Duration.ofMillis(9_900))).isNull();
        assertThat(at(Duration.ofMillis(10_100))).isNotNull();
    }

    @Test
    void aConnectionGrowsOldOnceAndOnlyOnline() {
        var young = accepted + Duration.ofMinutes(49).toNanos();
        var old = accepted + Duration.ofMinutes(51).toNanos();
        assertThat(deadlines.takeOld(young, new Phase.Online(null))).isFalse();
        assertThat(deadlines.takeOld(old, new Phase.AwaitingConnect())).isFalse();
        assertThat(deadlines.takeOld(old, new Phase.Online(null))).isTrue();
        assertThat(deadlines.takeOld(old, new Phase.Online(null))).isFalse();
    }

    @Test
    void theTimeInWhichTheGatewayCouldNotReadItDoesNotCount() {
        deadlines.excuse(Duration.ofSeconds(8).toNanos());
        assertThat(at(Duration.ofMillis(17_900))).isNull();
        assertThat(at(Duration.ofMillis(18_100))).isNotNull();
    }
}

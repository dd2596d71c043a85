package dev.sluice.cluster.relay;

import static dev.sluice.cluster.relay.RelayModel.BOARD;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class HeartbeatTest {
    private final RelayModel model = new RelayModel();

    /** While many subscribe, something always is. */
    @Test
    void aHeartbeatGoesOutWhileAnnouncementsAreUnderWay() {
        model.patience = Duration.ofMillis(30);
        var a = model.join("a");
        model.isSilent = true;
        a.want("x");
        model.join("b");
        a.run();
        assertThat(model.partition(BOARD).stream()
                        .map(record ->
                                RelayCodec.letter(RelayCodec.envelope(record).content())))
                .hasAtLeastOneElementOfType(Letter.Heartbeat.class);
    }
}

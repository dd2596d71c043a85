package dev.sluice.cluster.relay;

import static dev.sluice.cluster.relay.RelayModel.settle;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A gateway that was declared dead, and is there, hears of it. */
class DeathTest {
    private final RelayModel model = new RelayModel();
    private final RelayModel.Member a = model.join("a");
    private final RelayModel.Member b = model.join("b");

    @Test
    void whoeverWasDeclaredDeadHearsOfIt() {
        settle(a, b);
        b.outboxes.post(new Letter.Dead("a", a.gateway.run()));
        settle(a, b);
        assertThat(a.deaths).containsExactly(a.gateway.run());
        assertThat(b.deaths).isEmpty();
        assertThat(b.count("sluice.relay.gaps")).isZero();
    }

    /** One that has come since it was cut off. */
    @Test
    void itHearsOfItAlsoFromOneThatItDoesNotKnow() {
        settle(a, b);
        model.fleet.bury(b.gateway);
        a.run();
        b.outboxes.post(new Letter.Dead("a", a.gateway.run()));
        a.run();
        assertThat(a.deaths).containsExactly(a.gateway.run());
    }

    @Test
    void otherRunsAndOtherGatewaysAreNotMeant() {
        settle(a, b);
        b.outboxes.post(new Letter.Dead("a", a.gateway.run() - 1));
        b.outboxes.post(new Letter.Dead("c", a.gateway.run()));
        settle(a, b);
        assertThat(a.deaths).isEmpty();
    }
}

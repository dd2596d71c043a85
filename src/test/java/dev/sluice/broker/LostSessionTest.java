package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.node.Lease;
import dev.sluice.support.NodeSettings;
import org.junit.jupiter.api.Test;

/** What a client is told whose session is not there any more. */
class LostSessionTest {
    private static Lease lease(String duration) {
        return new Lease(NodeSettings.of("a", "lease", duration));
    }

    @Test
    void anOperatorHasDeletedItIfTheGatewayLives() {
        var lease = lease("1h");
        assertThat(LostSession.told(LostSession.DELETED, lease)).isSameAs(LostSession.DELETED);
        assertThat(LostSession.told(LostSession.FENCED, lease)).isSameAs(LostSession.FENCED);
    }

    @Test
    void othersHaveIfTheGatewayWasAwayForLongerThanItsLease() {
        var lease = lease("0s");
        assertThat(LostSession.told(LostSession.DELETED, lease)).isSameAs(LostSession.AWAY);
        assertThat(LostSession.told(LostSession.FENCED, lease)).isSameAs(LostSession.AWAY);
    }
}

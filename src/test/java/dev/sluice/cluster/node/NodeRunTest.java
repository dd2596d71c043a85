package dev.sluice.cluster.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is written is in the name of the run that lives. */
@Tag("postgres")
class NodeRunTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final StoreRig.Settings SETTINGS = new StoreRig.Settings(1, 100, 100, 50);

    @Test
    void aGatewayThatWasTakenForDeadWritesAsItsNextRun() {
        SERVER.empty();
        try (var rig = new StoreRig(SERVER, SETTINGS);
                var member =
                        Member.of(rig, SETTINGS, "a", Duration.ofMinutes(1)).enter()) {
            var first = member.run.number();
            assertThat(first).isPositive().isEqualTo(member.self().run());
            SERVER.execute("UPDATE node SET last_epoch = nextval('session_epoch')");

            member.membership.turn();

            assertThat(member.run.number())
                    .isGreaterThan(first)
                    .isEqualTo(member.self().run());
        }
    }
}

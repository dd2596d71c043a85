package dev.sluice.cluster.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is written is in the name of the run that lives. */
@Tag("postgres")
class NodeRunTest {
    @Test
    void aGatewayThatWasTakenForDeadWritesAsItsNextRun() {
        try (var rig = new MemberRig()) {
            var member = rig.entered("a", Duration.ofMinutes(1));
            var first = member.run.number();
            assertThat(first).isPositive().isEqualTo(member.self().run());
            MemberRig.SERVER.execute("UPDATE node SET last_epoch = nextval('session_epoch')");

            member.membership.turn();

            assertThat(member.run.number())
                    .isGreaterThan(first)
                    .isEqualTo(member.self().run());
        }
    }
}

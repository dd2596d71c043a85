package dev.sluice.uplink.spool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.uplink.spool.SpoolStripe.State;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ClientGateTest {
    private final ClientGate gate = new ClientGate();

    private static long in(Duration time) {
        return System.nanoTime() + time.toNanos();
    }

    private static final Duration SECONDS = Duration.ofSeconds(3);

    @Test
    void takesNothingUntilPostgresqlHasAnswered() {
        assertThat(gate.state()).isEqualTo(State.DIRECT);
        assertThat(gate.isToBeAsked(in(SECONDS))).isFalse();
        gate.ask();
        assertThat(gate.state()).isEqualTo(State.CLOSING);
        assertThat(gate.enter()).isNull();
        assertThat(gate.isToBeAsked(in(Duration.ZERO))).isTrue();
        gate.answer(false, false, in(Duration.ZERO));
        assertThat(gate.state()).isEqualTo(State.DIRECT);
    }

    @Test
    void staysBehindWhatIsStuck() {
        gate.ask();
        gate.answer(true, true, in(Duration.ZERO));
        assertThat(gate.state()).isEqualTo(State.SPOOLING);
        assertThat(gate.isToBeAsked(in(Duration.ZERO))).as("at once").isFalse();
        assertThat(gate.isToBeAsked(in(SECONDS))).isTrue();
        gate.answer(true, true, in(SECONDS));
        assertThat(gate.state()).isEqualTo(State.SPOOLING);
    }

    /** Under load there are always rows: it must take nothing for a moment. */
    @Test
    void closesBeforeItOpens() {
        gate.ask();
        gate.answer(true, true, in(Duration.ZERO));
        var entered = gate.enter();
        gate.answer(true, false, in(SECONDS));
        assertThat(gate.state()).isEqualTo(State.CLOSING);
        assertThat(gate.isToBeAsked(in(Duration.ZERO)))
                .as("with a record on its way")
                .isFalse();
        entered.decrementAndGet();
        assertThat(gate.isToBeAsked(in(Duration.ZERO))).isTrue();
        gate.answer(true, false, in(Duration.ZERO));
        assertThat(gate.state()).as("not drained yet").isEqualTo(State.CLOSING);
        gate.answer(false, false, in(Duration.ZERO));
        assertThat(gate.state()).isEqualTo(State.DIRECT);
    }

    @Test
    void goesOnSpoolingIfItDoesNotSettle() {
        gate.ask();
        gate.answer(true, true, in(Duration.ZERO));
        gate.enter();
        gate.answer(true, false, in(SECONDS));
        assertThat(gate.isToBeAsked(in(SECONDS))).isTrue();
        gate.answer(false, false, in(SECONDS));
        assertThat(gate.state()).isEqualTo(State.SPOOLING);
    }
}

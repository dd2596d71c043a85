package dev.sluice.cluster.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.node.Burial.Sign;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class SilenceTest {
    private static final Sign A = new Sign("a", 1, 100);
    private static final Sign B = new Sign("b", 2, 100);

    private final Silence silence = new Silence(Duration.ofNanos(10));

    @Test
    void whoeverGivesNoSignForALeaseIsSilent() {
        assertThat(silence.hear(List.of(A), 0, 1)).isEmpty();
        assertThat(silence.hear(List.of(A, B), 10, 11)).isEmpty();
        assertThat(silence.hear(List.of(A, B), 11, 12)).containsExactly(A);
        assertThat(silence.hear(List.of(A, B), 20, 21)).containsExactly(A);
        assertThat(silence.hear(List.of(A, B), 21, 22)).containsExactly(A, B);
    }

    /** Whatever PostgreSQL's clock says: an earlier end is another sign, too. */
    @Test
    void anotherSignBreaksTheSilence() {
        silence.hear(List.of(A), 0, 1);
        var later = new Sign("a", 1, 90);
        assertThat(silence.hear(List.of(later), 20, 21)).isEmpty();
        assertThat(silence.hear(List.of(new Sign("a", 2, 90)), 31, 32)).isEmpty();
        assertThat(silence.hear(List.of(later), 42, 43))
                .as("it was not here all the time")
                .isEmpty();
    }
}

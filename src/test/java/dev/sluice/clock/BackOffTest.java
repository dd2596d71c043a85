package dev.sluice.clock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BackOffTest {
    private final BackOff backOff = new BackOff();

    private List<Long> pauses(int count) {
        return Stream.generate(() -> {
                    var pause = backOff.pause().toMillis();
                    backOff.tried(false);
                    return pause;
                })
                .limit(count)
                .toList();
    }

    @Test
    void theMoreOftenInVainTheLongerThePause() {
        assertThat(pauses(8)).containsExactly(5L, 10L, 20L, 40L, 80L, 160L, 160L, 160L);
    }

    @Test
    void oneSuccessBeginsAnew() {
        pauses(8);
        backOff.tried(true);
        assertThat(pauses(3)).containsExactly(5L, 10L, 20L);
    }
}

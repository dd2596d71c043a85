package dev.sluice.cluster.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.Gateway;
import dev.sluice.store.node.NodeLease.Other;
import java.util.List;
import org.junit.jupiter.api.Test;

class OthersTest {
    private static final Gateway A = new Gateway("a", 1, 1);

    private final Others others = new Others();

    private static Other a(long run, boolean lasts, boolean renews) {
        return new Other("a", run, 1, lasts, renews, 0, true);
    }

    @Test
    void whoeverSaysGoodbyeIsGoneAtOnce() {
        assertThat(others.hasHadAny()).isFalse();
        others.know(List.of(a(1, true, true)));
        assertThat(others.all()).containsExactly(A);
        others.know(List.of());
        assertThat(others.isEmpty()).isTrue();
        assertThat(others.hasHadAny()).isTrue();
    }

    @Test
    void whoeverFallsSilentLivesUntilItIsDeclaredDeadAndHasHeardOfIt() {
        others.know(List.of(a(1, true, true)));
        others.know(List.of(a(1, true, false)));
        others.know(List.of(a(1, false, false)));
        assertThat(others.find("a")).isEqualTo(A);
        others.know(List.of());
        assertThat(others.all()).containsExactly(A);
        others.know(List.of());
        assertThat(others.isEmpty()).isTrue();
    }

    @Test
    void aSuccessorTakesThePlaceAtOnce() {
        others.know(List.of(a(1, true, false)));
        others.know(List.of(a(2, true, true)));
        assertThat(others.all()).containsExactly(new Gateway("a", 2, 1));
    }

    @Test
    void whoeverWasSilentBeforeIsNotThere() {
        others.know(List.of(a(1, false, false)));
        assertThat(others.isEmpty()).isTrue();
        others.know(List.of(a(1, true, true)));
        assertThat(others.all()).containsExactly(A);
    }
}

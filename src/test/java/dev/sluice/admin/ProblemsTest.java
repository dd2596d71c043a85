package dev.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.StoreUnavailable;
import org.junit.jupiter.api.Test;

class ProblemsTest {
    private static String detail(boolean inDoubt) {
        var answer = new Problems().unavailable(new StoreUnavailable("PostgreSQL is away", null, inDoubt));
        assertThat(answer.getStatus()).isEqualTo(503);
        return ((Problem.Document) answer.getEntity()).detail();
    }

    @Test
    void whatMayHaveBeenDoneIsNotSaidToHaveFailed() {
        assertThat(detail(false)).isEqualTo("PostgreSQL is away. Nothing has changed; try again");
        assertThat(detail(true))
                .isEqualTo("PostgreSQL is away. A change may have been made, or not: GET it before you try again");
    }
}

package dev.sluice.uplink.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.lang.ref.Reference;
import org.junit.jupiter.api.Test;

class BacklogsTest {
    private final Backlogs backlogs = new Backlogs(_ -> new Backlog(1, 1));

    @Test
    void aTopicHasOneForAll() {
        assertThat(backlogs.of("a")).isSameAs(backlogs.of("a")).isNotSameAs(backlogs.of("b"));
    }

    /** Devices make up names for as long as they like. */
    @Test
    void thoseThatNobodyUsesAreForgotten() {
        var used = backlogs.of("used");
        for (int i = 0; i < 100; i++) backlogs.of("unused" + i);
        await().untilAsserted(() -> {
            System.gc();
            assertThat(backlogs.size()).isEqualTo(1);
        });
        assertThat(backlogs.of("used")).isSameAs(used);
        Reference.reachabilityFence(used);
    }
}

package dev.sluice.clock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.jboss.logging.Logger;
import org.junit.jupiter.api.Test;

class ThrottledLogTest {
    private static final Logger LOG = Logger.getLogger(ThrottledLogTest.class);

    @Test
    void ofManyComplaintsOnlyTheFirstIsLogged() {
        var throttled = new ThrottledLog(LOG);
        assertThat(throttled.warn("expected in this test, once")).isTrue();
        for (int i = 0; i < 100; i++) assertThat(throttled.warn("not expected")).isFalse();
        assertThat(throttled.error("not expected either")).isFalse();
    }

    @Test
    void theFirstOneMayBeHeldBack() {
        assertThat(new ThrottledLog(LOG, Duration.ofMinutes(1)).warn("not expected"))
                .isFalse();
    }
}

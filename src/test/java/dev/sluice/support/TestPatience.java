package dev.sluice.support;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.pollinterval.IterativePollInterval;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/**
 * Sets how each JVM of tests waits for a condition: it looks soon, then less often, and gives up late, so that a busy machine or a
 * disk that stalls fails no test. JUnit finds it by {@code META-INF/services}.
 */
public final class TestPatience implements LauncherSessionListener {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration FIRST = Duration.ofMillis(5);
    private static final Duration LONGEST = Duration.ofMillis(100);

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        Awaitility.setDefaultTimeout(PATIENCE);
        Awaitility.setDefaultPollInterval(IterativePollInterval.iterative(TestPatience::next, FIRST));
    }

    private static Duration next(Duration last) {
        var twice = last.multipliedBy(2);
        return twice.compareTo(LONGEST) < 0 ? twice : LONGEST;
    }
}

package dev.sluice.support;

import dev.sluice.tools.ToolLog;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/** Gives each JVM of tests the log of the tools, and patience, before the first test; JUnit finds it by {@code META-INF/services}. */
public final class TestLog implements LauncherSessionListener {
    @Override
    public void launcherSessionOpened(LauncherSession session) {
        ToolLog.start();
        // For what has no bound of its own: only a failure takes that long, and a machine may stand still for seconds.
        Awaitility.setDefaultTimeout(Duration.ofSeconds(60));
    }
}

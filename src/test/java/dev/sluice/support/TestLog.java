package dev.sluice.support;

import dev.sluice.tools.ToolLog;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/** Gives each JVM of tests the log of the tools before the first test; JUnit finds it by {@code META-INF/services}. */
public final class TestLog implements LauncherSessionListener {
    @Override
    public void launcherSessionOpened(LauncherSession session) {
        ToolLog.start();
    }
}

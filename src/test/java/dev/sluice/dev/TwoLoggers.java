package dev.sluice.dev;

import dev.sluice.tools.ToolLog;
import java.util.concurrent.CyclicBarrier;
import org.jboss.logmanager.LogContext;

/** A JVM whose first two threads need the log at the same time, as those do that start servers; it ends if they get it. */
final class TwoLoggers {
    private TwoLoggers() {}

    public static void main(String[] arguments) throws Exception {
        ToolLog.start();
        var start = new CyclicBarrier(2);
        var other = Thread.ofPlatform().start(() -> {
            meet(start);
            LogContext.getLogContext();
        });
        meet(start);
        System.getLogger("java.lang.ProcessBuilder").isLoggable(System.Logger.Level.DEBUG);
        other.join();
    }

    private static void meet(CyclicBarrier start) {
        try {
            start.await();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}

package dev.sluice.tools;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.jboss.logmanager.handlers.AsyncHandler;

/**
 * Waits until the lines of the log are written that are in queues when the process ends: among them may be the reason why it could not start.
 * Stateless: any thread may use it.
 *
 * <p>Quarkus has forgotten the queues by then, so they are known by the threads that empty them: one that waits for another line has written and
 * flushed all others.
 */
final class LogQueues {
    private static final Duration LONGEST = Duration.ofSeconds(10);
    private static final Duration PAUSE = Duration.ofMillis(5);
    /** A thread may have been told of a line, and not have begun. */
    private static final int LOOKS = 3;

    private LogQueues() {}

    /** Returns once all lines are written, or a console or disk has not taken them in ten seconds. */
    static void awaitWritten() {
        var deadline = System.nanoTime() + LONGEST.toNanos();
        for (int idle = 0; idle < LOOKS && System.nanoTime() - deadline < 0; idle = areIdle() ? idle + 1 : 0)
            LockSupport.parkNanos(PAUSE.toNanos());
    }

    private static boolean areIdle() {
        return Thread.getAllStackTraces().values().stream()
                .filter(LogQueues::isWriter)
                .allMatch(LogQueues::isWaiting);
    }

    private static boolean isWriter(StackTraceElement[] stack) {
        return Arrays.stream(stack)
                .anyMatch(frame -> frame.getClassName().startsWith(AsyncHandler.class.getName() + "$"));
    }

    private static boolean isWaiting(StackTraceElement[] stack) {
        return Arrays.stream(stack)
                .anyMatch(frame -> frame.getClassName().equals(ArrayBlockingQueue.class.getName())
                        && frame.getMethodName().equals("take"));
    }
}

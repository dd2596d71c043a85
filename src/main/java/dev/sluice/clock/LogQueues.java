package dev.sluice.clock;

import io.quarkus.bootstrap.logging.InitialConfigurator;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.stream.Stream;
import org.jboss.logmanager.ExtHandler;
import org.jboss.logmanager.handlers.AsyncHandler;

/**
 * Has the lines of the log written that are in queues when the process ends: among them may be the reason why it could not start. Stateless: any
 * thread may use it.
 *
 * <p>After a start that failed, Quarkus has forgotten the queues, so they are known by the threads that empty them: one that waits for another
 * line has written and flushed all others.
 */
public final class LogQueues {
    private static final Duration LONGEST = Duration.ofSeconds(10);
    private static final Duration PAUSE = Duration.ofMillis(5);
    /** A thread may have been told of a line, and not have begun. */
    private static final int LOOKS = 3;

    private LogQueues() {}

    /**
     * The log has no queues from here on: who logs, writes. As Quarkus says last of all that it has stopped, and closes console and file with the next
     * step, whatever is in a queue then is lost.
     */
    public static void end() {
        end(InitialConfigurator.DELAYED_HANDLER, LONGEST);
    }

    static void end(ExtHandler log, Duration longest) {
        // A console that takes nothing keeps its queue: it must not keep the process.
        if (!awaitWritten(longest)) return;
        log.setHandlers(
                Arrays.stream(log.getHandlers()).flatMap(LogQueues::targets).toArray(Handler[]::new));
        awaitWritten(longest); // what came meanwhile
    }

    private static Stream<Handler> targets(Handler handler) {
        if (!(handler instanceof AsyncHandler queue)) return Stream.of(handler);
        for (var target : queue.getHandlers()) if (target instanceof ExtHandler direct) direct.setAutoFlush(true);
        return Arrays.stream(queue.getHandlers());
    }

    /** Returns once all lines are written, or a console or disk has not taken them in ten seconds. */
    public static void awaitWritten() {
        awaitWritten(LONGEST);
    }

    /** Whether all lines were written within the time. */
    private static boolean awaitWritten(Duration longest) {
        var deadline = System.nanoTime() + longest.toNanos();
        for (int idle = 0; idle < LOOKS; idle = areIdle() ? idle + 1 : 0) {
            if (System.nanoTime() - deadline >= 0) return false;
            LockSupport.parkNanos(PAUSE.toNanos());
        }
        return true;
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

package dev.sluice.tools;

import java.time.Duration;
import java.util.Arrays;
import java.util.logging.Handler;
import java.util.stream.Stream;
import org.jboss.logmanager.ExtHandler;
import org.jboss.logmanager.LogContext;
import org.jboss.logmanager.handlers.AsyncHandler;

/**
 * Writes out the lines of the log that wait in queues when the process ends: among them may be the reason why it could not start. One thread
 * uses it, once.
 */
final class LogQueues {
    private static final Duration LONGEST = Duration.ofSeconds(2);

    private LogQueues() {}

    /** Returns once all lines are written, or a console or disk has not taken them in two seconds. */
    static void writeOut() {
        writeOut(LogContext.getLogContext().getLogger("").getHandlers());
    }

    static void writeOut(Handler... handlers) {
        Arrays.stream(handlers).flatMap(LogQueues::queues).forEach(queue -> {
            queue.setCloseChildren(false); // they are still to write
            queue.close();
        });
        var end = System.nanoTime() + LONGEST.toNanos();
        try {
            for (var writer : Thread.getAllStackTraces().entrySet())
                if (isWriter(writer.getValue()))
                    writer.getKey().join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static Stream<AsyncHandler> queues(Handler handler) {
        return switch (handler) {
            case AsyncHandler queue -> Stream.of(queue);
            case ExtHandler parent -> Arrays.stream(parent.getHandlers()).flatMap(LogQueues::queues);
            default -> Stream.empty();
        };
    }

    private static boolean isWriter(StackTraceElement[] stack) {
        return Arrays.stream(stack)
                .anyMatch(frame -> frame.getClassName().startsWith(AsyncHandler.class.getName() + "$"));
    }
}

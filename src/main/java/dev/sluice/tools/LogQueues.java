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
    private static final Duration LONGEST = Duration.ofSeconds(10);

    private LogQueues() {}

    /** Returns once all lines are written, or a console or disk has not taken them in ten seconds. */
    static void writeOut() {
        writeOut(LogContext.getLogContext().getLogger("").getHandlers());
    }

    static void writeOut(Handler... handlers) {
        var queues = Arrays.stream(handlers).flatMap(LogQueues::queues).toList();
        // A queue forgets where it writes once it has ended.
        var targets = queues.stream()
                .flatMap(queue -> Arrays.stream(queue.getHandlers()))
                .toList();
        for (var queue : queues) {
            queue.setCloseChildren(false); // they are still to write
            queue.close();
        }
        // A queue that is closed does not flush what it has written last.
        if (awaitWriters()) targets.forEach(Handler::flush);
    }

    /** Whether all threads that write have come to the end of their queues. */
    private static boolean awaitWriters() {
        var end = System.nanoTime() + LONGEST.toNanos();
        try {
            for (var writer : Thread.getAllStackTraces().entrySet())
                if (isWriter(writer.getValue())
                        && !writer.getKey().join(Duration.ofNanos(Math.max(1, end - System.nanoTime())))) return false;
            return true;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
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

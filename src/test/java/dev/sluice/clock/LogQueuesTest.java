package dev.sluice.clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quarkus.bootstrap.logging.QuarkusDelayedHandler;
import java.io.ByteArrayOutputStream;
import java.io.OutputStreamWriter;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import org.jboss.logmanager.ExtHandler;
import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.Level;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.jboss.logmanager.handlers.AsyncHandler;
import org.jboss.logmanager.handlers.WriterHandler;
import org.junit.jupiter.api.Test;

class LogQueuesTest {
    private static final int LINES = 1000;

    /** A console that takes its first line only when it is let, and shows its lines when it is flushed. */
    private static final class SlowConsole extends Handler {
        private final CountDownLatch open = new CountDownLatch(1);
        private int lines;
        private volatile int shown;

        @Override
        public void publish(LogRecord line) {
            try {
                open.await();
            } catch (InterruptedException interrupted) {
                throw new IllegalStateException(interrupted);
            }
            lines++;
        }

        @Override
        public void flush() {
            shown = lines;
        }

        @Override
        public void close() {}
    }

    @Test
    void allThatWaitsIsWritten() {
        var console = new SlowConsole();
        var queue = new AsyncHandler(LINES);
        queue.addHandler(console);
        for (int i = 0; i < LINES; i++)
            queue.publish(new ExtLogRecord(Level.ERROR, "line", LogQueuesTest.class.getName()));
        Thread.startVirtualThread(() -> {
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
            console.open.countDown();
        });
        LogQueues.awaitWritten();
        assertThat(console.shown).isEqualTo(LINES);
        queue.close();
    }

    private static ExtLogRecord line() {
        return new ExtLogRecord(Level.INFO, "line", LogQueuesTest.class.getName());
    }

    private static ExtHandler log(Handler console) {
        var queue = new AsyncHandler(LINES);
        queue.addHandler(console);
        var log = new QuarkusDelayedHandler();
        log.setHandlers(new Handler[] {queue});
        return log;
    }

    /** Quarkus closes the console in the next step. */
    @Test
    void theLastLineIsWrittenByWhoLogsIt() {
        var console = new ByteArrayOutputStream();
        var log = log(new WriterHandler() {
            {
                setWriter(new OutputStreamWriter(console));
                setFormatter(new PatternFormatter("%s "));
                setAutoFlush(false);
            }
        });
        for (int i = 0; i < 10; i++) log.publish(line());
        LogQueues.end(log, Duration.ofSeconds(20));
        assertThat(console).hasToString("line ".repeat(10));
        log.publish(line());
        assertThat(console).hasToString("line ".repeat(11));
        log.close();
    }

    @Test
    void aConsoleThatTakesNothingDoesNotKeepTheProcess() {
        var console = new SlowConsole();
        var log = log(console);
        log.publish(line());
        LogQueues.end(log, Duration.ofMillis(100));
        log.publish(line()); // returns
        console.open.countDown();
        await().until(() -> console.shown == 2);
        log.close();
    }
}

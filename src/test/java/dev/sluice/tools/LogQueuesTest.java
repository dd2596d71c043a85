package dev.sluice.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.Level;
import org.jboss.logmanager.handlers.AsyncHandler;
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
}

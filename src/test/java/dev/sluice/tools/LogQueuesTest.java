package dev.sluice.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.Level;
import org.jboss.logmanager.handlers.AsyncHandler;
import org.junit.jupiter.api.Test;

class LogQueuesTest {
    private static final int LINES = 1000;

    /** A console that takes its first line only when it is let. */
    private static final class SlowConsole extends Handler {
        private final CountDownLatch open = new CountDownLatch(1);
        private final AtomicInteger lines = new AtomicInteger();

        @Override
        public void publish(LogRecord line) {
            try {
                open.await();
            } catch (InterruptedException _) {
                // The queue is closed; the line is to be written all the same.
            }
            lines.incrementAndGet();
        }

        @Override
        public void flush() {}

        @Override
        public void close() {
            throw new IllegalStateException("lines are still to come");
        }
    }

    @Test
    void allThatWaitsIsWritten() {
        var console = new SlowConsole();
        var queue = new AsyncHandler(LINES);
        queue.addHandler(console);
        for (int i = 0; i < LINES; i++)
            queue.publish(new ExtLogRecord(Level.ERROR, "line", LogQueuesTest.class.getName()));
        console.open.countDown();
        LogQueues.writeOut(queue);
        assertThat(console.lines).hasValue(LINES);
    }
}

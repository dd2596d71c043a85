package dev.sluice.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.Level;
import org.jboss.logmanager.handlers.AsyncHandler;
import org.junit.jupiter.api.Test;

class LogQueuesTest {
    private static final int LINES = 1000;

    /** A console that is still at its first line when the queue is closed, and shows its lines when it is flushed. */
    private static final class SlowConsole extends Handler {
        private final CountDownLatch never = new CountDownLatch(1);
        private int lines;
        private volatile int shown;

        @Override
        public void publish(LogRecord line) {
            try {
                never.await();
            } catch (InterruptedException _) {
                never.countDown(); // the queue is closed
            }
            lines++;
        }

        @Override
        public void flush() {
            shown = lines;
        }

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
        LogQueues.writeOut(queue);
        assertThat(console.shown).isEqualTo(LINES);
    }
}

package dev.sluice.uplink.producer;

import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/** Owns when a complaint that there may be for every message was logged last: it is, at most once a minute. Any thread may use it. */
public final class RareLog {
    private static final long INTERVAL = TimeUnit.MINUTES.toNanos(1);

    private final Logger log;
    private long nextAt = System.nanoTime();
    private long leftOut;

    public RareLog(Logger log) {
        this.log = log;
    }

    public synchronized void warn(String sentence) {
        var now = System.nanoTime();
        if (now - nextAt < 0) {
            leftOut++;
            return;
        }
        log.warn(leftOut == 0 ? sentence : sentence + " (and " + leftOut + " like it since the last such line)");
        nextAt = now + INTERVAL;
        leftOut = 0;
    }
}

package dev.sluice.clock;

import java.time.Duration;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jboss.logging.Logger.Level;

/**
 * Logs a complaint that may come with every message at most once a minute, and says how many it left out; those go to DEBUG. Any thread may
 * use it.
 */
public final class ThrottledLog {
    private static final long INTERVAL = Duration.ofMinutes(1).toNanos();

    private final Logger log;
    /** No line before this; meaningless until one is logged, unless it began quiet: a static one may be made where the executable is built. */
    private long nextAt;

    private boolean isQuiet;
    private boolean hasLogged;
    private long leftOut;

    public ThrottledLog(Logger log) {
        this.log = log;
    }

    /** @param quiet how long to hold back the first complaint, as the trouble may end by itself */
    public ThrottledLog(Logger log, Duration quiet) {
        this.log = log;
        this.nextAt = System.nanoTime() + quiet.toNanos();
        this.isQuiet = true;
    }

    /** Returns whether the sentence was logged as a warning. */
    public boolean warn(String sentence) {
        return log(Level.WARN, sentence);
    }

    /** The same for a complaint that may come very often: the sentence is made only to be logged, and what is left out is not at DEBUG. */
    public synchronized boolean warn(Supplier<String> sentence) {
        if (!isQuiet || System.nanoTime() - nextAt >= 0) return warn(sentence.get());
        if (hasLogged) leftOut++;
        return false;
    }

    /** Returns whether the sentence was logged as an error. */
    public boolean error(String sentence) {
        return log(Level.ERROR, sentence);
    }

    private synchronized boolean log(Level level, String sentence) {
        var now = System.nanoTime();
        if (isQuiet && now - nextAt < 0) {
            if (hasLogged) leftOut++;
            log.debug(sentence);
            return false;
        }
        log.log(level, leftOut == 0 ? sentence : sentence + " (and " + leftOut + " like it since the last such line)");
        nextAt = now + INTERVAL;
        isQuiet = true;
        hasLogged = true;
        leftOut = 0;
        return true;
    }
}

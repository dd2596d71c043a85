package dev.sluice.store;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.util.concurrent.TimeUnit;

/**
 * Owns how far PostgreSQL's clock is from this gateway's: what several gateways compare they have to take from one clock. The probe tells it
 * after each answer; any thread may ask.
 */
@ApplicationScoped
public class StoreClock {
    private final Clock own;
    /** What is to be added to the own clock; 0 until PostgreSQL has answered, before which nobody asks. */
    private volatile long distance;

    public StoreClock() {
        this(Clock.systemUTC());
    }

    public StoreClock(Clock own) {
        this.own = own;
    }

    /** PostgreSQL's time, in microseconds since 1970, to within the time that an answer takes. */
    public long micros() {
        return ownMicros() + distance;
    }

    private long ownMicros() {
        var now = own.instant();
        return TimeUnit.SECONDS.toMicros(now.getEpochSecond()) + now.getNano() / 1000;
    }

    /**
     * Moves no further than the answer says for certain: clocks that agree stay as exact as they are.
     *
     * @param asked when, of {@link System#nanoTime}
     * @param micros PostgreSQL's time, somewhere between then and now
     */
    void answered(long asked, long micros) {
        var took = TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - asked);
        var least = micros - ownMicros();
        distance = Math.clamp(distance, least, least + took);
    }
}

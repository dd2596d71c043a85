package dev.sluice.broker;

import dev.sluice.clock.Repeating;
import dev.sluice.config.LimitsConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * Watches whether the gateway has too much to do to take on more clients: its heap is nearly full after a collection, or an event loop
 * is too late. It looks each second, and is content only after some looks with a margin, so that it does not change its mind all the time.
 * Any thread may ask.
 */
final class Overload {
    private static final Logger LOG = Logger.getLogger(Overload.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** Looks in a row that have to be good. */
    private static final int CONTENT_AFTER = 5;
    /** Looks after which the heap is collected on purpose: nobody new comes, so perhaps nothing else would have it collected. */
    private static final int COLLECT_AFTER = 30;

    private static final double MARGIN = 0.95;

    private final int heapPercent;
    private final Duration loopDelay;
    private final LongSupplier heap;
    private final LongSupplier delay;
    private final Counter refused;
    private final Repeating looks = Repeating.onVirtualThread("sluice-overload");
    private volatile boolean on;
    private int good;
    private int bad;

    /** @param delay longest delay of an event loop since it was asked last, nanoseconds */
    Overload(LimitsConfig config, LongSupplier delay, MeterRegistry meters) {
        this(config.overloadHeapPercent(), config.overloadLoopDelay(), Overload::heapPercent, delay, meters);
    }

    /** @param heap percent of its maximum that was in use after the last collection */
    Overload(int heapPercent, Duration loopDelay, LongSupplier heap, LongSupplier delay, MeterRegistry meters) {
        this.heapPercent = heapPercent;
        this.loopDelay = loopDelay;
        this.heap = heap;
        this.delay = delay;
        this.refused = Counter.builder("sluice.overload.refused")
                .description("Connections that were refused because the gateway has too much to do")
                .register(meters);
        Gauge.builder("sluice.overload", this, it -> it.on ? 1 : 0)
                .description("1 while the gateway has too much to do to accept new connections")
                .register(meters);
    }

    void start() {
        looks.every(INTERVAL, this::look);
    }

    void stop() {
        looks.stop();
    }

    boolean isOn() {
        return on;
    }

    /** Whether a new connection has to be refused, which is counted. */
    boolean refuses() {
        if (on) refused.increment();
        return on;
    }

    void look() {
        var percent = heap.getAsLong();
        var nanos = delay.getAsLong();
        var fullest = heapPercent == 0 ? 0 : (double) percent / heapPercent;
        var latest = loopDelay.isZero() ? 0 : (double) nanos / loopDelay.toNanos();
        if (Math.max(fullest, latest) >= 1) {
            if (!on) warn(fullest >= 1, percent, nanos);
            on = true;
            good = 0;
            if (fullest >= 1 && ++bad % COLLECT_AFTER == 0) System.gc();
        } else if (Math.max(fullest, latest) >= MARGIN) {
            good = 0;
        } else if (on && ++good >= CONTENT_AFTER) {
            LOG.info("new connections are accepted again");
            on = false;
            good = 0;
            bad = 0;
        }
    }

    private static void warn(boolean isFull, long percent, long nanos) {
        if (isFull)
            LOG.warnf(
                    "new connections are refused, and those that are open are served: %d %% of the heap are in use"
                            + " after a collection (sluice.limits.overload-heap-percent)",
                    percent);
        else
            LOG.warnf(
                    "new connections are refused, and those that are open are served: an event loop is %d ms late"
                            + " (sluice.limits.overload-loop-delay)",
                    nanos / 1_000_000);
    }

    /** What is in use now is an upper bound of what a collection would leave. */
    private static long heapPercent() {
        var left = 0L;
        for (var pool : ManagementFactory.getMemoryPoolMXBeans()) {
            var usage = pool.getType() == MemoryType.HEAP ? pool.getCollectionUsage() : null;
            if (usage != null) left += usage.getUsed();
        }
        var runtime = Runtime.getRuntime();
        var now = runtime.totalMemory() - runtime.freeMemory();
        return 100 * Math.min(left, now) / runtime.maxMemory();
    }
}

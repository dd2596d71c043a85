package dev.sluice.uplink;

import dev.sluice.config.UplinkConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The threads for checks of payloads that an event loop must not wait for, first come, first served. As a connection has one check at most,
 * none waits behind many of another. Any thread may use it.
 */
final class CheckThreads {
    /** For checks that recurse, and patterns with many parts that may be missing. */
    private static final int STACK_BYTES = 16 << 20;

    private final ThreadPoolExecutor threads;
    private final long mostNanos;
    private final Timer time;
    private final Counter overruns;

    CheckThreads(UplinkConfig config, MeterRegistry meters) {
        var count = Math.max(1, config.contractThreads());
        var factory = Thread.ofPlatform()
                .name("sluice-contract-", 0)
                .daemon()
                .stackSize(STACK_BYTES)
                .factory();
        threads = new ThreadPoolExecutor(count, count, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), factory);
        threads.allowCoreThreadTimeOut(true);
        mostNanos = config.contractTimeout().toNanos();
        time = Timer.builder("sluice.uplink.contract.checks")
                .description("Checks of payloads beside the event loops")
                .register(meters);
        overruns = Counter.builder("sluice.uplink.contract.overruns")
                .description(
                        "Checks that took longer than they may, so that the payload counts as one that breaks the contract")
                .register(meters);
        Gauge.builder("sluice.uplink.contract.waiting", threads.getQueue(), it -> it.size())
                .description("Checks of payloads that wait for a thread")
                .register(meters);
    }

    void run(Runnable check) {
        threads.execute(() -> {
            var start = System.nanoTime();
            check.run();
            var nanos = System.nanoTime() - start;
            time.record(nanos, TimeUnit.NANOSECONDS);
            if (nanos >= mostNanos) overruns.increment();
        });
    }
}

package dev.sluice.access.credential;

import dev.sluice.config.AccessConfig;
import dev.sluice.config.PasswordConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Owns the threads that hash, and the bounded queue before them: it takes no more than they can be expected to hash in time. One core is
 * left to whoever is connected. Any virtual thread may call, and waits.
 */
@ApplicationScoped
public class HashingThreads {
    /** Of the latest hash in the average of their times. */
    private static final double WEIGHT = 0.1;
    /** The part of the time within which it is to be this password's turn: a hash may take longer than those before it. */
    private static final double CERTAIN = 0.8;

    private final ThreadPoolExecutor threads;
    private final Duration patience;
    private final LongSupplier nanoTime;
    private final Counter refused;
    private final Timer time;
    /** Operators' own hashing takes one thread at most, so that an import does not keep clients out. */
    private final Semaphore operators = new Semaphore(1, true);
    /** Nanoseconds of a hash, on average; 0 before the first one. */
    private volatile double average;

    @Inject
    HashingThreads(PasswordConfig config, AccessConfig access, MeterRegistry meters) {
        this(config, access.judgeTimeout(), meters);
    }

    /** @param patience in which whoever waits has to be judged */
    public HashingThreads(PasswordConfig config, Duration patience, MeterRegistry meters) {
        this(config, patience, meters, System::nanoTime);
    }

    /** @param nanoTime by which hashes are timed */
    HashingThreads(PasswordConfig config, Duration patience, MeterRegistry meters, LongSupplier nanoTime) {
        this.patience = patience;
        this.nanoTime = nanoTime;
        var count = config.threads() > 0
                ? config.threads()
                : Math.max(1, Runtime.getRuntime().availableProcessors() - 1);
        threads = new ThreadPoolExecutor(
                count,
                count,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(Math.max(1, config.queue())),
                factory(nice(config)));
        Gauge.builder("sluice.access.hashing.waiting", threads, it -> it.getQueue()
                        .size())
                .description("Passwords that wait for a thread that hashes")
                .register(meters);
        refused = Counter.builder("sluice.access.hashing.refused")
                .description(
                        "Passwords that were not hashed, because as many waited as may, or as can be hashed in time")
                .register(meters);
        time = Timer.builder("sluice.access.hashing.time")
                .description("Time of one hash, without the wait for a thread")
                .register(meters);
    }

    private static int nice(PasswordConfig config) {
        var nice = config.nice();
        if (nice < 0 || nice > 19)
            throw new IllegalArgumentException("sluice.access.password.nice: is " + nice + ", and has to be 0 to 19");
        return nice;
    }

    private static ThreadFactory factory(int nice) {
        var threads = Thread.ofPlatform().daemon().name("sluice-hash-", 0).factory();
        return nice == 0
                ? threads
                : work -> threads.newThread(() -> {
                    Niceness.add(nice);
                    work.run();
                });
    }

    /**
     * Computes on a hashing thread. Who is interrupted meanwhile gives its place up.
     *
     * @throws RejectedExecutionException when as many wait as may, or as can be computed in time
     */
    <T> T compute(Callable<T> work) throws InterruptedException {
        var ahead = threads.getQueue().size();
        // Without a queue it is tried in any case: else a time that was long once would never be measured again.
        if (ahead > 0 && (ahead + 1) * average / threads.getCorePoolSize() > CERTAIN * patience.toNanos()) {
            refused.increment();
            throw new RejectedExecutionException(ahead + " wait, more than can be hashed within " + patience);
        }
        return enqueue(work);
    }

    private <T> T enqueue(Callable<T> work) throws InterruptedException {
        var task = new FutureTask<>(() -> timed(work));
        try {
            threads.execute(task);
        } catch (RejectedExecutionException full) {
            refused.increment();
            throw full;
        }
        try {
            return task.get();
        } catch (InterruptedException interrupted) {
            task.cancel(false);
            threads.remove(task);
            throw interrupted;
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof RuntimeException own) throw own;
            throw new IllegalStateException(failed.getCause());
        }
    }

    private <T> T timed(Callable<T> work) throws Exception {
        var begun = nanoTime.getAsLong();
        try {
            return work.call();
        } finally {
            var took = nanoTime.getAsLong() - begun;
            time.record(took, TimeUnit.NANOSECONDS);
            average = average == 0 ? took : average + WEIGHT * (took - average);
        }
    }

    /**
     * Lets whoever is refused wait for a good part of its time all the same: it costs nothing here, while those who are told at once come
     * again at once. Not all come back at the same moment.
     */
    void awaitRefusal() throws InterruptedException {
        var most = patience.toMillis();
        if (most >= 6) Thread.sleep(most / 2 + ThreadLocalRandom.current().nextLong(most / 3));
    }

    /** The same for an operator. */
    <T> T computeForOperator(Callable<T> work) throws InterruptedException {
        operators.acquire();
        try {
            return enqueue(work);
        } finally {
            operators.release();
        }
    }

    @PreDestroy
    void stop() {
        threads.shutdownNow();
    }
}

package dev.sluice.access.credential;

import dev.sluice.config.PasswordConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Owns the threads that hash, as many as there are cores, and the bounded queue before them. Any virtual thread may call, and waits. */
@ApplicationScoped
public class HashingThreads {
    private final ThreadPoolExecutor threads;
    private final Counter refused;
    private final Timer time;
    /** Operators' own hashing takes one thread at most, so that an import does not keep clients out. */
    private final Semaphore operators = new Semaphore(1, true);

    public HashingThreads(PasswordConfig config, MeterRegistry meters) {
        var count =
                config.threads() > 0 ? config.threads() : Runtime.getRuntime().availableProcessors();
        threads = new ThreadPoolExecutor(
                count,
                count,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(Math.max(1, config.queue())),
                Thread.ofPlatform().daemon().name("sluice-hash-", 0).factory());
        Gauge.builder("sluice.access.hashing.waiting", threads, it -> it.getQueue()
                        .size())
                .description("Passwords that wait for a thread that hashes")
                .register(meters);
        refused = Counter.builder("sluice.access.hashing.refused")
                .description("Passwords that were not hashed, because as many waited as may")
                .register(meters);
        time = Timer.builder("sluice.access.hashing.time")
                .description("Time of one hash, without the wait for a thread")
                .register(meters);
    }

    /**
     * Computes on a hashing thread. Who is interrupted meanwhile gives its place up.
     *
     * @throws RejectedExecutionException when as many wait as may
     */
    <T> T compute(Callable<T> work) throws InterruptedException {
        var task = new FutureTask<>(() -> time.recordCallable(work));
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

    /** The same for an operator. */
    <T> T computeForOperator(Callable<T> work) throws InterruptedException {
        operators.acquire();
        try {
            return compute(work);
        } finally {
            operators.release();
        }
    }

    @PreDestroy
    void stop() {
        threads.shutdownNow();
    }
}

package dev.sluice.store;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Bounds blocking calls in number and in time, whatever the driver does; any virtual thread may call. Each runs on a virtual thread of
 * its own, which is interrupted when its time is up: that closes the socket it reads from.
 */
final class BoundedCalls {
    private final Semaphore permits;

    BoundedCalls(int concurrency) {
        this.permits = new Semaphore(concurrency);
    }

    /** The bound covers the wait for a permit, too. */
    <T> T call(Duration bound, Callable<T> work) throws InterruptedException, ExecutionException, TimeoutException {
        var deadline = System.nanoTime() + bound.toNanos();
        if (!permits.tryAcquire(bound.toNanos(), TimeUnit.NANOSECONDS))
            throw new TimeoutException("no turn within " + bound);
        var task = new FutureTask<>(work);
        Thread.ofVirtual().name("sluice-store-call").start(() -> {
            try {
                task.run();
            } finally {
                permits.release();
            }
        });
        try {
            return task.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException late) {
            throw new TimeoutException("no answer within " + bound);
        } finally {
            task.cancel(true);
        }
    }
}

package dev.sluice.store;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bounds blocking calls in number and in time, whatever the driver does; any virtual thread may call. They run on a few virtual threads, in
 * the order in which they came, and these are interrupted when a call's time is up: that closes the socket it reads from.
 *
 * <p>Callers do not queue for a permit: thousands that give up waiting in the queue of a semaphore cost the square of their number.
 */
final class BoundedCalls {
    private final String name;
    private final Semaphore threads;
    private final int mostWaiting;
    private final Queue<Call<?>> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waitingCount = new AtomicInteger();

    /** @param name of the threads */
    BoundedCalls(String name, int concurrency) {
        this(name, concurrency, Integer.MAX_VALUE);
    }

    /** @param mostWaiting calls that may wait for a thread; a further one is refused at once */
    BoundedCalls(String name, int concurrency, int mostWaiting) {
        this.name = name;
        this.threads = new Semaphore(concurrency);
        this.mostWaiting = mostWaiting;
    }

    /** How many wait for a thread; those that have given up count until it would be their turn. */
    int waiting() {
        return waitingCount.get();
    }

    /**
     * The bound covers the wait for a thread, too.
     *
     * @throws RejectedExecutionException when as many wait as may
     */
    <T> T call(Duration bound, Callable<T> work) throws InterruptedException, ExecutionException, TimeoutException {
        if (waitingCount.incrementAndGet() > mostWaiting) {
            waitingCount.decrementAndGet();
            throw new RejectedExecutionException(mostWaiting + " others wait for their turn");
        }
        var call = new Call<>(work);
        waiting.add(call);
        if (threads.tryAcquire()) Thread.ofVirtual().name(name).start(this::run);
        try {
            return call.get(bound.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException _) {
            throw new TimeoutException((call.hasBegun ? "no answer within " : "no turn within ") + bound);
        } finally {
            call.cancel(true);
        }
    }

    private void run() {
        do {
            for (var call = waiting.poll(); call != null; call = waiting.poll()) {
                waitingCount.decrementAndGet();
                call.run();
                Thread.interrupted(); // the interrupt was meant for that call
            }
            threads.release();
        } while (!waiting.isEmpty() && threads.tryAcquire());
    }

    /** One call; does nothing once it is cancelled. */
    private static final class Call<T> extends FutureTask<T> {
        private volatile boolean hasBegun;

        Call(Callable<T> work) {
            super(work);
        }

        @Override
        public void run() {
            hasBegun = true;
            super.run();
        }
    }
}

package dev.sluice.clock;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Owns one thread that takes turns at some work until it is stopped or interrupted, or until there is nothing left to do. A turn that
 * throws is logged, and the next one follows after a second. Any thread may start it, again once its work is done, and stop it for good.
 */
public final class Repeating {
    private static final Logger LOG = Logger.getLogger(Repeating.class);
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(1);
    /** Those of this process whose work is neither done nor stopped, by their threads. */
    private static final Map<Thread, Repeating> UNFINISHED = new ConcurrentHashMap<>();

    private final Thread.Builder threads;
    private final String name;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile Thread thread;

    /** One turn of the work. */
    @FunctionalInterface
    public interface Turn {
        /** Returns the pause before the next turn, or null if there is nothing left to do. */
        Duration take() throws InterruptedException;
    }

    private Repeating(Thread.Builder threads, String name) {
        this.threads = threads.name(name);
        this.name = name;
    }

    /** On a virtual thread. */
    public static Repeating onVirtualThread(String name) {
        return new Repeating(Thread.ofVirtual(), name);
    }

    /** On a platform thread, which does not keep the JVM from ending. */
    public static Repeating onPlatformThread(String name) {
        return new Repeating(Thread.ofPlatform().daemon(), name);
    }

    /** Starts the thread; the first turn comes at once. */
    public void start(Turn turn) {
        start(Duration.ZERO, turn);
    }

    /** Starts the thread; the work is done after each interval, for the first time after one. */
    public void every(Duration interval, Runnable work) {
        start(interval, () -> {
            work.run();
            return interval;
        });
    }

    private void start(Duration delay, Turn turn) {
        var starting = threads.unstarted(() -> repeat(delay, turn));
        UNFINISHED.put(starting, this);
        starting.start();
        thread = starting; // others may join it from here on
    }

    /** Names the threads of this process that have ended although their work is neither done nor stopped; any thread. */
    public static List<String> dead() {
        return UNFINISHED.keySet().stream()
                .filter(each -> each.getState() == Thread.State.TERMINATED)
                .map(Thread::getName)
                .toList();
    }

    /**
     * Stops all work of this process that nobody has stopped, and waits a moment for the turns under way: what they use is about to go. Any
     * thread.
     */
    public static void stopAll(Duration time) {
        var left = UNFINISHED.values().stream().filter(it -> !it.isStopped()).toList();
        left.forEach(Repeating::stop);
        var deadline = System.nanoTime() + time.toNanos();
        for (var each : left) each.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
    }

    private void repeat(Duration delay, Turn turn) {
        try {
            var pause = delay;
            while (pause != null && !stopped.await(pause.toNanos(), TimeUnit.NANOSECONDS)) pause = take(turn);
            UNFINISHED.remove(Thread.currentThread());
        } catch (InterruptedException _) {
            if (isStopped()) UNFINISHED.remove(Thread.currentThread());
            Thread.currentThread().interrupt();
        }
    }

    private Duration take(Turn turn) throws InterruptedException {
        try {
            return turn.take();
        } catch (RuntimeException | Error failure) { // of a library that cannot be loaded, or of memory: it may pass
            if (isStopped())
                LOG.debugf(failure, "%s failed in its last turn", name); // it may lack what has gone before it
            else LOG.errorf(failure, "%s failed, and tries again in %d s", name, AFTER_FAILURE.toSeconds());
            return AFTER_FAILURE;
        }
    }

    /** Whether it may be started: it was not yet, or its work is done. */
    public boolean isDone() {
        return thread == null || !UNFINISHED.containsKey(thread);
    }

    /** Ends the work after the turn that it is in, if it is in one; does not wait for that. */
    public void stop() {
        stopped.countDown();
    }

    public boolean isStopped() {
        return stopped.getCount() == 0;
    }

    /** Interrupts the turn that it is in, which ends the work. */
    public void interrupt() {
        if (thread == null) return;
        UNFINISHED.remove(thread);
        thread.interrupt();
    }

    /** Waits until the thread has ended, or was never started; false if the time was too short, or if the caller is interrupted. */
    public boolean join(Duration time) {
        try {
            return thread == null || thread.join(time);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}

package dev.sluice.broker;

import dev.sluice.clock.BackOff;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;

/**
 * One event loop's connections, its mailbox and its timers. {@link #execute} may be called from any thread, everything
 * else from the loop's own. What one turn of the mailbox makes connections send leaves in one message for each of them.
 */
public final class Loop implements Executor {
    private static final Logger LOG = Logger.getLogger(Loop.class);

    private static final int SLICES = 20;

    private static final int TASKS_PER_TURN = 4096;
    /** Longest time before sockets are read again. */
    private static final long NANOS_PER_TURN = 5_000_000;

    private static final long NANOS_PER_TICK = 1_000_000_000 / SLICES;

    private final ScheduledExecutorService thread;
    private final Queue<Runnable> mailbox = new MpscUnboundedAtomicArrayQueue<>(1024);
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private final Runnable turn = this::turn;

    /** Each has its turn of the clock once a second; a slice of them at a time, so that sockets are read in between. */
    private final List<Set<Connection>> slices = Stream.generate(() -> (Set<Connection>) new HashSet<Connection>())
            .limit(SLICES)
            .toList();

    private int slice;
    private final ArrayList<Connection> unflushed = new ArrayList<>();
    private final Set<Connection> paused = new HashSet<>();
    private final PacketBuffers buffers = new PacketBuffers();
    private final LaneRetries laneRetries = new LaneRetries(this::after);
    private final BackOff backOff = new BackOff();
    private volatile long lastTick = System.nanoTime();
    /** The longest that the clock came too late since somebody looked. */
    private volatile long delay;

    private long late;
    private boolean retrying;
    /** Whether a paused connection could go on since the last retry. */
    private boolean readOn;

    Loop(ScheduledExecutorService thread) {
        this.thread = thread;
        thread.scheduleAtFixedRate(this::tick, NANOS_PER_TICK, NANOS_PER_TICK, TimeUnit.NANOSECONDS);
    }

    @Override
    public void execute(Runnable task) {
        mailbox.add(task);
        if (!scheduled.get() && scheduled.compareAndSet(false, true)) thread.execute(turn);
    }

    /** Runs a task once the loop has looked at its sockets, and done what waits. */
    void inANewTurn(Runnable task) {
        thread.schedule(() -> execute(task), 0, TimeUnit.NANOSECONDS);
    }

    private void turn() {
        scheduled.set(false);
        Runnable task;
        var end = System.nanoTime() + NANOS_PER_TURN;
        for (int i = 0; i < TASKS_PER_TURN && (task = mailbox.poll()) != null; i++) {
            run(task);
            if (i % 8 == 7 && System.nanoTime() - end > 0) break;
        }
        if (!mailbox.isEmpty() && scheduled.compareAndSet(false, true)) thread.execute(turn);
        flush();
    }

    /**
     * A fault of one connection, be it an Error, must not stop the clock and the answers of all others. Memory that ends in the heap ends
     * the process by an option of the JVM; outside of it, it ends whoever asked for some.
     */
    private static void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error fault) {
            LOG.error("a task of a connection failed", fault);
        }
    }

    /** The same, and ends the connection. */
    private static void run(Connection connection, Consumer<Connection> task) {
        try {
            task.accept(connection);
        } catch (RuntimeException | Error fault) {
            run(() -> connection.failed(fault));
        }
    }

    void add(Connection connection) {
        sliceOf(connection).add(connection);
    }

    void remove(Connection connection) {
        sliceOf(connection).remove(connection);
        paused.remove(connection);
    }

    private Set<Connection> sliceOf(Connection connection) {
        return slices.get(Math.floorMod(System.identityHashCode(connection), SLICES));
    }

    void wantsFlush(Connection connection) {
        unflushed.add(connection);
    }

    /** Sends what connections have written since the last flush. */
    void flush() {
        for (int i = 0; i < unflushed.size(); i++) run(unflushed.get(i), Connection::flush);
        unflushed.clear();
    }

    /**
     * Has a connection try again until it is {@link #resumed}: it is not read, or what its client publishes is held. The pause grows while
     * no such connection can go on.
     */
    void paused(Connection connection) {
        paused.add(connection);
        retryLater();
    }

    private void retryLater() {
        if (retrying) return;
        retrying = true;
        thread.schedule(this::retry, backOff.pause().toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Some of what a paused connection waits for has gone on. */
    void moved() {
        readOn = true;
    }

    /** The connection no longer waits for another try. */
    void resumed(Connection connection) {
        paused.remove(connection);
    }

    private void retry() {
        try {
            for (var connection : paused.toArray(Connection[]::new)) run(connection, Connection::resume);
            backOff.tried(readOn);
            readOn = false;
            flush();
        } finally {
            // Even after an Error: without this, no paused connection of this loop would ever be read again.
            retrying = false;
            if (!paused.isEmpty()) retryLater();
        }
    }

    void after(Duration delay, Runnable task) {
        thread.schedule(() -> execute(task), delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** For how long the clock has come too late, in all, nanoseconds: so long this loop has not looked at its sockets either. */
    long late() {
        return late;
    }

    /** For how long something had to wait for one of these loops, at most, since this was asked last; nanoseconds. From any thread. */
    static long takeLongestDelay(Collection<Loop> loops) {
        var now = System.nanoTime();
        return loops.stream().mapToLong(loop -> loop.takeDelay(now)).max().orElse(0);
    }

    private long takeDelay(long now) {
        var longest = Math.max(delay, now - lastTick - NANOS_PER_TICK);
        delay = 0;
        return Math.max(0, longest);
    }

    private void tick() {
        var now = System.nanoTime();
        var tooLate = Math.max(0, now - lastTick - NANOS_PER_TICK);
        late += tooLate;
        delay = Math.max(delay, tooLate);
        lastTick = now;
        slice = (slice + 1) % SLICES;
        for (var connection : slices.get(slice).toArray(Connection[]::new)) run(connection, it -> it.tick(now));
        flush();
    }

    LaneRetries laneRetries() {
        return laneRetries;
    }

    PacketBuffers buffers() {
        return buffers;
    }
}

package dev.sluice.cluster.relay;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.jboss.logging.Logger;

/**
 * Owns who waits until this gateway has taken in what lies in its own mailbox. It writes a mark there, and once that has come back, all that
 * Kafka had before has come, too. One mark is under way at a time: whoever comes meanwhile waits for the next one. Any thread may use it.
 */
final class CatchUps {
    private static final Logger LOG = Logger.getLogger(CatchUps.class);

    private final long patience;
    private final RelayMeters meters;
    /** Guarded by itself, as the numbers; in the order of their marks, which is that of their deadlines. */
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

    private volatile LongConsumer mailbox = _ -> {};
    private long written;
    private long writtenAt;
    private long back;

    private record Waiting(long mark, long deadline, Runnable then) {}

    CatchUps(Duration patience, RelayMeters meters) {
        this.patience = patience.toNanos();
        this.meters = meters;
    }

    /** Another run of this gateway begins: nobody waits for the mailbox of the last one. */
    void begin(LongConsumer mailbox) {
        this.mailbox = mailbox;
        List<Waiting> released;
        synchronized (waiting) {
            back = written;
            released = List.copyOf(waiting);
            waiting.clear();
        }
        release(released);
    }

    void await(Runnable then) {
        long mark;
        synchronized (waiting) {
            var now = System.nanoTime();
            waiting.add(new Waiting(written + 1, now + patience, then));
            mark = next(now);
        }
        write(mark);
    }

    /** Returns the mark that is to be written now, 0 for none; under the lock. One that takes too long is taken for lost. */
    private long next(long now) {
        if (waiting.isEmpty() || waiting.peekLast().mark <= written) return 0;
        if (back < written && now - writtenAt < patience) return 0;
        writtenAt = now;
        return ++written;
    }

    /** Not under the lock: it may come back at once. */
    private void write(long mark) {
        if (mark > 0) mailbox.accept(mark);
    }

    /** This mark has come back. */
    void cameBack(long mark) {
        var released = new ArrayList<Waiting>();
        long next;
        synchronized (waiting) {
            back = Math.max(back, mark);
            while (!waiting.isEmpty() && waiting.peek().mark <= mark) released.add(waiting.poll());
            next = next(System.nanoTime());
        }
        release(released);
        write(next);
    }

    /** Releases those that have waited long enough. */
    void check() {
        var released = new ArrayList<Waiting>(0);
        long next;
        synchronized (waiting) {
            var now = System.nanoTime();
            while (!waiting.isEmpty() && now - waiting.peek().deadline >= 0) released.add(waiting.poll());
            next = next(now);
        }
        for (var _ : released) meters.catchUpExceeded();
        release(released);
        write(next);
    }

    private static void release(List<Waiting> released) {
        for (var each : released) {
            try {
                each.then.run();
            } catch (RuntimeException bug) {
                LOG.error("what should follow the messages in the mailbox failed", bug);
            }
        }
    }
}

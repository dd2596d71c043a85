package dev.sluice.cluster.relay;

import dev.sluice.clock.ThrottledLog;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * Owns who waits until this gateway has taken in what lies in its own mailbox. It writes a mark there, and once that has come back, all that
 * Kafka had before has come, too. One mark is under way at a time: whoever comes meanwhile waits for the next one. Any thread may use it.
 */
final class CatchUps {
    private static final Logger LOG = Logger.getLogger(CatchUps.class);
    private static final ThrottledLog COMPLAINTS = new ThrottledLog(LOG);

    /** How many times the patience somebody waits for a mark that Kafka does not take: it may be away. */
    private static final int UNWRITTEN = 3;
    /** The same for one that Kafka has: only this gateway is slow, and what it has not read would come behind what waits. */
    private static final int UNREAD = 10;

    private final long patience;
    private final LongSupplier nanoTime;
    private final RelayMeters meters;
    /** Guarded by itself, as the numbers; in the order of their marks. */
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

    private volatile Mailbox mailbox = (_, _) -> {};
    /** The highest mark that somebody needs, that was written, that Kafka has, and that has come back. */
    private long wanted;

    private long written;
    private long taken;
    private long back;
    private long writtenAt;

    private record Waiting(long mark, long since, Runnable then) {}

    /** Puts a mark into the own mailbox. */
    @FunctionalInterface
    interface Mailbox {
        /** @param taken told once whether Kafka has it, on any thread */
        void write(long mark, Consumer<Boolean> taken);
    }

    CatchUps(Duration patience, LongSupplier nanoTime, RelayMeters meters) {
        this.patience = patience.toNanos();
        this.nanoTime = nanoTime;
        this.meters = meters;
    }

    /** Another run of this gateway begins: nobody waits for the mailbox of the last one. */
    void begin(Mailbox mailbox) {
        this.mailbox = mailbox;
        List<Waiting> released;
        synchronized (waiting) {
            wanted = written;
            back = written;
            released = List.copyOf(waiting);
            waiting.clear();
        }
        release(released);
    }

    void await(Runnable then) {
        long next;
        synchronized (waiting) {
            var now = nanoTime.getAsLong();
            wanted = written + 1;
            waiting.add(new Waiting(wanted, now, then));
            next = next(now);
        }
        write(next);
    }

    /** Returns the number of a mark that comes behind all that the mailbox has by now. Once it or a later one has come back, all that has come. */
    long mark() {
        long mark;
        long next;
        synchronized (waiting) {
            mark = written + 1;
            wanted = mark;
            next = next(nanoTime.getAsLong());
        }
        write(next);
        return mark;
    }

    /** Returns the mark that is to be written now, 0 for none; under the lock. One that takes too long is taken for lost. */
    private long next(long now) {
        if (wanted <= written) return 0;
        if (back < written && now - writtenAt < patience) return 0;
        writtenAt = now;
        return ++written;
    }

    /** Not under the lock: it may come back at once. */
    private void write(long mark) {
        if (mark > 0)
            mailbox.write(mark, isTaken -> {
                if (isTaken) taken(mark);
            });
    }

    private void taken(long mark) {
        synchronized (waiting) {
            taken = Math.max(taken, mark);
        }
    }

    /** This mark has come back. */
    void cameBack(long mark) {
        var released = new ArrayList<Waiting>();
        long next;
        synchronized (waiting) {
            back = Math.max(back, mark);
            while (!waiting.isEmpty() && waiting.peek().mark <= mark) released.add(waiting.poll());
            next = next(nanoTime.getAsLong());
        }
        release(released);
        write(next);
    }

    /** Releases those that have waited long enough. */
    void check() {
        var released = new ArrayList<Waiting>(0);
        long next;
        synchronized (waiting) {
            var now = nanoTime.getAsLong();
            waiting.removeIf(each -> hasWaited(each, now) && released.add(each));
            next = next(now);
        }
        for (var _ : released) meters.catchUpExceeded();
        if (!released.isEmpty())
            COMPLAINTS.warn(
                    "this gateway is behind with what others have sent it, or Kafka takes nothing: publishers that"
                            + " have come from other gateways go on, and subscribers may get their messages out of order");
        release(released);
        write(next);
    }

    /** Whether one has waited long enough; under the lock. */
    private boolean hasWaited(Waiting each, long now) {
        return now - each.since >= patience * (each.mark <= taken ? UNREAD : UNWRITTEN);
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

package dev.sluice.broker.routing;

import dev.sluice.clock.Repeating;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.JournalWrite.Accept;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Has PostgreSQL keep messages for members of Shared Subscriptions, in the name of no publisher who waits for it. Owns those for which the
 * journal has no room, in their order, and a virtual thread that offers them again while there are any. Any thread may use it.
 *
 * <p>Their publishers may have been answered, or they were taken from a queue, and nobody else has them: so they wait, and are written whatever
 * becomes of this run of the gateway. They are what members could not take that were connected and not stored, and so of a message that is lost
 * with its gateway anyway. Above the bounds, the journal has stood still for a while, and one is dropped and counted; whoever takes messages
 * from queues asks for {@link #hasRoom room} before.
 */
public final class UnfencedKeeping implements Deliveries.Keeping {
    private static final int MOST = 10_000;
    private static final long MOST_BYTES = 16 << 20;
    private static final Duration RETRY = Duration.ofMillis(20);
    private static final Duration PARTING = Duration.ofSeconds(1);

    private final Journal journal;
    private final Runnable noRoom;
    private final int most;
    private final Repeating offering = Repeating.onVirtualThread("sluice-share-keeping");
    private final Queue<Accept> waiting = new ArrayDeque<>();
    private long bytes;

    /** @param noRoom run if there is none for a message: nobody gets it */
    UnfencedKeeping(Journal journal, Runnable noRoom) {
        this(journal, noRoom, MOST);
    }

    /** @param most messages that may wait */
    UnfencedKeeping(Journal journal, Runnable noRoom, int most) {
        this.journal = journal;
        this.noRoom = noRoom;
        this.most = most;
    }

    @Override
    public void keep(Publication publication, Runnable then) {
        var write = Accept.unfenced(
                publication.copies().getFirst().clientId(),
                publication.message(),
                publication.copies(),
                false,
                outcome -> {
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                    then.run();
                });
        if (!submit(write)) noRoom.run();
    }

    private synchronized boolean submit(Accept write) {
        if (waiting.isEmpty() && journal.submit(write)) return true;
        if (waiting.size() >= most || bytes >= MOST_BYTES) return false;
        if (waiting.isEmpty()) offering.start(this::offer);
        waiting.add(write);
        bytes += write.message().bytes();
        return true;
    }

    private synchronized Duration offer() {
        while (!waiting.isEmpty()) {
            if (!journal.submit(waiting.peek())) return RETRY;
            bytes -= waiting.remove().message().bytes();
        }
        return null; // the next one that has to wait starts it again
    }

    @Override
    public synchronized boolean hasRoom() {
        return waiting.isEmpty();
    }

    /** The journal takes nothing more soon: waits a moment until it has what waits. */
    void stop() {
        if (!hasRoom()) offering.join(PARTING);
        offering.stop();
    }
}

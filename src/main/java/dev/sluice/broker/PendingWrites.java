package dev.sluice.broker;

import dev.sluice.broker.routing.Publication;
import dev.sluice.cluster.node.Lease;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;

/**
 * One connection's way into the journal: its writes keep their order when its lane is full. Confined to the connection's
 * event loop.
 */
final class PendingWrites {
    /** Writes that may wait before the client is not read on: answers and subscriptions, as PUBLISHes are held before that. */
    private static final int MOST = 64;

    private static final Event REFUSED =
            new Event.Ended(ReasonCode.UNSPECIFIED_ERROR, "PostgreSQL refused to store the session's state");

    private final Connection connection;
    private final Journal journal;
    private final Lease lease;
    private final Loop loop;
    private ArrayDeque<JournalWrite> waiting;

    PendingWrites(Connection connection, Journal journal, Lease lease) {
        this.connection = connection;
        this.journal = journal;
        this.lease = lease;
        this.loop = connection.loop();
    }

    /** Makes the callback of a write, for the journal's thread: runs the task on the loop once the write is committed. */
    Consumer<JournalWrite.Outcome> thenOnLoop(Runnable committed) {
        return outcome -> loop.execute(() -> answered(outcome, committed));
    }

    /** The same once others have seen, too, what is committed. */
    Consumer<JournalWrite.Outcome> thenSeen(Consumer<Runnable> announce, Runnable seen) {
        Runnable onLoop = () -> loop.execute(() -> {
            seen.run();
            connection.progressed();
        });
        return thenOnLoop(() -> announce.accept(onLoop));
    }

    /** On the loop: runs the task if the write is committed, else ends the connection. */
    void answered(JournalWrite.Outcome outcome, Runnable committed) {
        switch (outcome) {
            case COMMITTED -> {
                committed.run();
                connection.progressed();
            }
            case FENCED -> connection.on(LostSession.told(LostSession.FENCED, lease));
            case GONE -> connection.on(LostSession.told(LostSession.DELETED, lease));
            case REFUSED -> connection.on(REFUSED);
        }
    }

    /**
     * Has PostgreSQL keep a message, or some copies of it, whatever becomes of the session meanwhile: a retained one unless others have
     * declared this gateway dead, since the next one of its topic may be there; copies for members of Shared Subscriptions in any case, as
     * their publisher may have been answered.
     */
    void keep(Publication publication, List<Copy> copies, boolean retain, Consumer<JournalWrite.Outcome> done) {
        submit(JournalWrite.Accept.unfenced(connection.clientId(), publication.message(), copies, retain, done)
                .stamped(publication.stamp())
                .since(retain ? since() : JournalWrite.ANY_RUN));
    }

    /** What {@link JournalWrite#since} says of what the connection begins, if this gateway has a row. */
    long since() {
        return journal.run() == 0 ? JournalWrite.ANY_RUN : connection.epoch();
    }

    void submit(JournalWrite write) {
        if (isFull()) {
            waiting.add(write);
        } else if (!journal.submit(write)) {
            if (waiting == null) waiting = new ArrayDeque<>();
            waiting.add(write);
            loop.laneRetries().add(this::retry);
        }
    }

    /** Returns whether nothing waits any more. */
    private boolean retry() {
        while (!waiting.isEmpty() && journal.submit(waiting.peek())) waiting.remove();
        return !isFull();
    }

    /** Whether so much waits that the client is not to be read on. */
    boolean isOverfull() {
        return waiting != null && waiting.size() >= MOST;
    }

    /** Whether the lane is full: what the client publishes has to be held. */
    boolean isFull() {
        return waiting != null && !waiting.isEmpty();
    }
}

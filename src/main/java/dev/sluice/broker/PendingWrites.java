package dev.sluice.broker;

import dev.sluice.clock.BackOff;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import java.util.ArrayDeque;

/**
 * One connection's way into the journal: its writes keep their order when its lane is full. Confined to the connection's
 * event loop.
 */
final class PendingWrites {
    /** Writes that may wait before the client is not read on: answers and subscriptions, as PUBLISHes are held before that. */
    private static final int MOST = 64;

    private final Journal journal;
    private final Loop loop;
    private ArrayDeque<JournalWrite> waiting;
    /** With {@link #waiting}. */
    private BackOff backOff;

    PendingWrites(Journal journal, Loop loop) {
        this.journal = journal;
        this.loop = loop;
    }

    void submit(JournalWrite write) {
        if (isFull()) {
            waiting.add(write);
        } else if (!journal.submit(write)) {
            if (waiting == null) {
                waiting = new ArrayDeque<>();
                backOff = new BackOff();
            }
            waiting.add(write);
            loop.after(backOff.pause(), this::retry);
        }
    }

    /** Tells the connection the outcome of a write; on its loop. */
    static void settle(Connection connection, JournalWrite.Outcome outcome, Runnable committed) {
        switch (outcome) {
            case COMMITTED -> {
                committed.run();
                connection.progressed();
            }
            case FENCED ->
                connection.on(new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "the session is open elsewhere"));
            case REFUSED ->
                connection.on(new Event.Ended(
                        ReasonCode.UNSPECIFIED_ERROR, "PostgreSQL refused to store the session's state"));
        }
    }

    private void retry() {
        var before = waiting.size();
        while (!waiting.isEmpty() && journal.submit(waiting.peek())) waiting.remove();
        backOff.tried(waiting.size() < before);
        if (isFull()) loop.after(backOff.pause(), this::retry);
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

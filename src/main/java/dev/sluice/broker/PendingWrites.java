package dev.sluice.broker;

import dev.sluice.clock.BackOff;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import java.util.ArrayDeque;

/**
 * One connection's way into the journal: its writes keep their order when its lane is full. Confined to the connection's
 * event loop.
 */
final class PendingWrites {
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

    private void retry() {
        var before = waiting.size();
        while (!waiting.isEmpty() && journal.submit(waiting.peek())) waiting.remove();
        backOff.tried(waiting.size() < before);
        if (isFull()) loop.after(backOff.pause(), this::retry);
    }

    /** Whether the lane is full: the client is not to be read on. */
    boolean isFull() {
        return waiting != null && !waiting.isEmpty();
    }
}

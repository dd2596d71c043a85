package dev.sluice.broker;

import dev.sluice.store.Journal;
import dev.sluice.store.JournalWrite;
import java.time.Duration;
import java.util.ArrayDeque;

/**
 * One connection's way into the journal: its writes keep their order when its lane is full. Confined to the connection's
 * event loop.
 */
final class PendingWrites {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(5);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(160);

    private final Journal journal;
    private final Loop loop;
    private ArrayDeque<JournalWrite> waiting;

    PendingWrites(Journal journal, Loop loop) {
        this.journal = journal;
        this.loop = loop;
    }

    void submit(JournalWrite write) {
        if (isFull()) {
            waiting.add(write);
        } else if (!journal.submit(write)) {
            if (waiting == null) waiting = new ArrayDeque<>();
            waiting.add(write);
            retryAfter(FIRST_PAUSE);
        }
    }

    private void retryAfter(Duration pause) {
        loop.after(pause, () -> retry(pause));
    }

    /** Waits longer each time that nothing goes: a PostgreSQL that is away must not keep the loop busy. */
    private void retry(Duration paused) {
        var before = waiting.size();
        while (!waiting.isEmpty() && journal.submit(waiting.peek())) waiting.remove();
        if (!isFull()) return;
        var isStuck = waiting.size() == before && paused.compareTo(LONGEST_PAUSE) < 0;
        retryAfter(isStuck ? paused.multipliedBy(2) : waiting.size() == before ? paused : FIRST_PAUSE);
    }

    /** Whether the lane is full: the client is not to be read on. */
    boolean isFull() {
        return waiting != null && !waiting.isEmpty();
    }
}

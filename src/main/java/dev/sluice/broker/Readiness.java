package dev.sluice.broker;

import java.util.ArrayList;
import java.util.List;

/**
 * Whether a client could be sent a message at once, and what waits for that. Confined to the connection's event loop, except
 * {@link #isReady}, which any thread may ask.
 */
final class Readiness {
    private volatile boolean ready;
    private List<Runnable> waiting = List.of();

    boolean isReady() {
        return ready;
    }

    /** Adds a task that waits; run by the next {@link #note} that allows it. */
    void add(Runnable task) {
        if (waiting.isEmpty()) waiting = new ArrayList<>(1);
        waiting.add(task);
    }

    /** @param over whether the connection is closed: then nothing waits any longer */
    void note(boolean now, boolean over) {
        if (now != ready) ready = now;
        if (waiting.isEmpty() || !now && !over) return;
        var tasks = waiting;
        waiting = List.of();
        tasks.forEach(Runnable::run);
    }
}

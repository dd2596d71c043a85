package dev.sluice.broker;

import dev.sluice.clock.BackOff;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;

/**
 * Owns the connections of one loop whose writes wait for room in the journal, closed ones too, and the one timer that lets them try again:
 * there may be as many as the gateway had sockets. Confined to the loop.
 */
final class LaneRetries {
    /** Attempts in vain after which a round ends; the next one goes on behind them, as other lanes may have room. */
    private static final int FAILURES = 256;

    private final BiConsumer<Duration, Runnable> timer;
    private final ArrayDeque<BooleanSupplier> waiting = new ArrayDeque<>();
    private final BackOff backOff = new BackOff();
    private boolean scheduled;

    /** @param timer runs a task on the loop after a pause */
    LaneRetries(BiConsumer<Duration, Runnable> timer) {
        this.timer = timer;
    }

    /** @param attempt repeated until it returns that nothing waits any more */
    void add(BooleanSupplier attempt) {
        waiting.add(attempt);
        schedule();
    }

    private void schedule() {
        if (scheduled || waiting.isEmpty()) return;
        scheduled = true;
        timer.accept(backOff.pause(), this::round);
    }

    private void round() {
        scheduled = false;
        var before = waiting.size();
        try {
            var failures = 0;
            for (int i = 0; i < before && failures < FAILURES; i++) if (!isDone(waiting.remove())) failures++;
        } finally {
            backOff.tried(waiting.size() < before);
            schedule();
        }
    }

    private boolean isDone(BooleanSupplier attempt) {
        var done = false;
        try {
            done = attempt.getAsBoolean();
        } finally {
            if (!done) waiting.add(attempt);
        }
        return done;
    }
}

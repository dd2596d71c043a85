package dev.sluice.endpoint;

import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/**
 * Owns the part of one event loop's time that goes to sockets without a WebSocket: however many of them come at once, those that are open
 * have the rest. Confined to the event loop.
 */
final class HandshakeTurns {
    /** Handshakes get one part in so many of the loop's time. */
    private static final int SHARE = 2;
    /** Nanoseconds that they may take at once, when none have come for a while. */
    private static final long MOST_AT_ONCE = 4_000_000;
    /** Nanoseconds in which the loop looks at its other sockets. */
    private static final long PAUSE = 1_000_000;

    private final EventLoop loop;
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private long left = MOST_AT_ONCE;
    private long filled = System.nanoTime();

    HandshakeTurns(EventLoop loop) {
        this.loop = loop;
    }

    /** Takes a step of a handshake, unless others wait or the loop is to do something else first; then false. */
    boolean take(Runnable step) {
        if (!waiting.isEmpty() || !hasTime()) return false;
        run(step);
        return true;
    }

    /** Takes the step behind those that wait already. */
    void await(Runnable step) {
        waiting.add(step);
        if (waiting.size() == 1) later();
    }

    private boolean hasTime() {
        var now = System.nanoTime();
        left = Math.min(MOST_AT_ONCE, left + (now - filled) / SHARE);
        filled = now;
        return left > 0;
    }

    private void run(Runnable step) {
        var begun = System.nanoTime();
        try {
            step.run();
        } finally {
            left -= System.nanoTime() - begun;
        }
    }

    private void later() {
        loop.schedule(this::turn, Math.max(PAUSE, -left * SHARE), TimeUnit.NANOSECONDS);
    }

    private void turn() {
        try {
            while (hasTime() && waiting.poll() instanceof Runnable step) run(step);
        } finally {
            if (!waiting.isEmpty()) later();
        }
    }
}

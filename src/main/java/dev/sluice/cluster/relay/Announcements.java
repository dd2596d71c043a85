package dev.sluice.cluster.relay;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/** Owns the announcements that not everybody has seen yet, and who waits for that. Any thread may use it. */
final class Announcements {
    private static final Logger LOG = Logger.getLogger(Announcements.class);

    private final long patience;
    private final RelayMeters meters;
    /** Guarded by itself; in the order of their numbers, which is that of their deadlines. */
    private final ArrayDeque<Open> open = new ArrayDeque<>();

    private volatile List<Listener> audience = List.of();

    private record Open(long number, List<Listener> audience, long deadline, Runnable seen) {
        boolean isSeen() {
            for (var listener : audience) if (!listener.hasSeen(number)) return false;
            return true;
        }
    }

    Announcements(Duration patience, RelayMeters meters) {
        this.patience = patience.toNanos();
        this.meters = meters;
    }

    /** Who has to see what is announced from now on. */
    void audience(List<Listener> listeners) {
        audience = List.copyOf(listeners);
    }

    /**
     * Announces something, in the order of the calls.
     *
     * @param write puts it on the board and returns its number
     */
    void announce(LongSupplier write, Runnable seen) {
        synchronized (open) {
            open.add(new Open(write.getAsLong(), audience, System.nanoTime() + patience, seen));
        }
        if (audience.isEmpty()) check();
    }

    /** Releases those that everybody has seen, or that have waited long enough; one that is behind another waits for that, too. */
    void check() {
        var released = new ArrayList<Open>(0);
        synchronized (open) {
            var now = System.nanoTime();
            for (var first = open.peek(); first != null && isOver(first, now); first = open.peek())
                released.add(open.poll());
        }
        for (var each : released) release(each);
    }

    private boolean isOver(Open first, long now) {
        if (first.isSeen()) return true;
        if (now - first.deadline < 0) return false;
        meters.patienceExceeded();
        return true;
    }

    private static void release(Open announcement) {
        try {
            announcement.seen.run();
        } catch (RuntimeException bug) {
            LOG.error("what should follow an announcement failed", bug);
        }
    }
}

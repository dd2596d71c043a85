package dev.sluice.cluster.relay;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/** Owns the announcements that not everybody has seen yet, and who waits for that. Any thread may use it. */
final class Announcements {
    private static final Logger LOG = Logger.getLogger(Announcements.class);

    private final long patience;
    private final LongSupplier clock;
    private final RelayMeters meters;
    /** Guarded by itself; in the order of their numbers, and about that of their deadlines. */
    private final ArrayDeque<Open> open = new ArrayDeque<>();

    private volatile List<Listener> audience = List.of();

    /** Puts an announcement on the board. */
    @FunctionalInterface
    interface Board {
        /**
         * @param then told whether Kafka has it
         * @return its number
         */
        long write(Consumer<Boolean> then);
    }

    private static final class Open {
        private final List<Listener> audience;
        private final Runnable seen;
        private long number;
        /** Of the board's reader it is only known how long ago Kafka had what it knows: so the patience begins when Kafka has it. */
        private volatile long deadline;

        private Open(List<Listener> audience, Runnable seen) {
            this.audience = audience;
            this.seen = seen;
        }

        private boolean isSeen() {
            for (var listener : audience) if (!listener.hasSeen(number)) return false;
            return true;
        }
    }

    /** @param clock nanoseconds, from any beginning */
    Announcements(Duration patience, LongSupplier clock, RelayMeters meters) {
        this.patience = patience.toNanos();
        this.clock = clock;
        this.meters = meters;
    }

    /** Who has to see what is announced from now on. */
    void audience(List<Listener> listeners) {
        audience = List.copyOf(listeners);
    }

    /** Announces something, in the order of the calls. */
    void announce(Board board, Runnable seen) {
        synchronized (open) {
            var announcement = new Open(audience, seen);
            announcement.deadline = clock.getAsLong() + patience;
            announcement.number = board.write(isWritten -> {
                if (isWritten) announcement.deadline = clock.getAsLong() + patience;
            });
            open.add(announcement);
        }
        if (audience.isEmpty()) check();
    }

    /** Releases those that everybody has seen, or that have waited long enough; one that is behind another waits for that, too. */
    void check() {
        var released = new ArrayList<Open>(0);
        synchronized (open) {
            var now = clock.getAsLong();
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

package dev.sluice.uplink.producer;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.stream.IntStream;

/**
 * Owns the list of the records that one producer holds. Any thread. Each record comes and goes by here: whoever takes one away only marks
 * it, without a lock that those who add would wait for; the marked ones are swept out when their piece of the list is full.
 */
final class HeldRecords<R extends HeldRecords.Held> {
    /** A power of two, and more than the event loops of most machines: a thread that adds has a piece, and its lock, to itself. */
    private static final int PIECES = 16;

    private static final int FIRST_CAPACITY = 64;

    private final List<Piece> pieces =
            IntStream.range(0, PIECES).mapToObj(_ -> new Piece()).toList();

    /** What may be held, once. It may be reachable for long after it was taken away, and is not to keep what is large. */
    abstract static class Held {
        private static final AtomicIntegerFieldUpdater<Held> IS_HELD =
                AtomicIntegerFieldUpdater.newUpdater(Held.class, "isHeld");

        /** 1 while it is held, else 0. */
        private volatile int isHeld;
    }

    private static final class Piece {
        private Held[] list = new Held[FIRST_CAPACITY];
        private int size;

        synchronized int add(Held added) {
            if (size == list.length) sweep();
            list[size++] = added;
            return size;
        }

        /** Leaves at least half of the list free, so that the next sweep pays for itself. */
        private void sweep() {
            var kept = all();
            var capacity = FIRST_CAPACITY;
            while (capacity < 2 * kept.size()) capacity *= 2;
            list = kept.toArray(new Held[capacity]);
            size = kept.size();
        }

        synchronized List<Held> all() {
            var all = new ArrayList<Held>();
            for (int i = 0; i < size; i++) if (list[i].isHeld == 1) all.add(list[i]);
            return all;
        }
    }

    /** Returns a number that goes up by one with most records of a thread: a clock that costs nothing. */
    int add(R added) {
        ((Held) added).isHeld = 1; // before others can see it
        return pieces.get((int) Thread.currentThread().threadId() & PIECES - 1).add(added);
    }

    /** Returns whether it was there: of several that take it away, one gets true. */
    boolean remove(R removed) {
        return Held.IS_HELD.compareAndSet(removed, 1, 0);
    }

    /** Those that it holds now; in the order in which they came, as far as one thread brought them. */
    @SuppressWarnings("unchecked")
    List<R> all() {
        var all = new ArrayList<R>();
        for (var piece : pieces) piece.all().forEach(held -> all.add((R) held));
        return all;
    }
}

package dev.sluice.uplink.producer;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Owns the list of the records that one producer holds. Any thread. Each record comes and goes by here, so it costs no allocation: the
 * records are linked to each other, in pieces of which each has its lock, and threads that add have pieces of their own.
 */
final class HeldRecords<R extends HeldRecords.Held> {
    /** A power of two, and more than the event loops of most machines. */
    private static final int PIECES = 16;

    private final List<Piece> pieces =
            IntStream.range(0, PIECES).mapToObj(_ -> new Piece()).toList();

    /** What may be held, once. Its links are guarded by its piece. */
    abstract static class Held {
        /** Null before it is held. */
        private Piece piece;

        private boolean isHeld;
        private Held before;
        private Held after;
    }

    private static final class Piece {
        private Held last;

        synchronized void add(Held added) {
            added.isHeld = true;
            added.before = last;
            if (last != null) last.after = added;
            last = added;
        }

        synchronized boolean remove(Held removed) {
            if (!removed.isHeld) return false;
            removed.isHeld = false;
            if (removed.after == null) last = removed.before;
            else removed.after.before = removed.before;
            if (removed.before != null) removed.before.after = removed.after;
            removed.before = null;
            removed.after = null;
            return true;
        }

        synchronized List<Held> all() {
            var all = new ArrayList<Held>();
            for (var held = last; held != null; held = held.before) all.add(held);
            return all.reversed();
        }
    }

    void add(R added) {
        var piece = pieces.get((int) Thread.currentThread().threadId() & PIECES - 1);
        ((Held) added).piece = piece;
        piece.add(added);
    }

    /** Returns whether it was there: of several that take it away, one gets true. */
    boolean remove(R removed) {
        return ((Held) removed).piece.remove(removed);
    }

    /** Those that it holds now; in the order in which they came, as far as one thread brought them. */
    @SuppressWarnings("unchecked")
    List<R> all() {
        var all = new ArrayList<R>();
        for (var piece : pieces) piece.all().forEach(held -> all.add((R) held));
        return all;
    }
}

package dev.sluice.store.delivery;

import dev.sluice.store.StoreUnavailable;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * Owns who wants to read the same at the same time: they wait for one read that begins after they have asked, since what it finds is theirs, too.
 * Any virtual thread may use it.
 */
final class JointReads<K> {
    private final Map<K, Rounds> all = new ConcurrentHashMap<>();

    /**
     * Returns once somebody has read to the end who began after this was called. Blocks.
     *
     * @param isOver whether the caller does not want to know any more
     * @param read reads as long as the caller wants to know; whether it came to the end
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    void read(K what, BooleanSupplier isOver, BooleanSupplier read) {
        var rounds = all.compute(what, (_, known) -> Rounds.joined(known));
        try {
            rounds.take(isOver, read);
        } finally {
            all.computeIfPresent(what, (_, left) -> --left.users == 0 ? null : left);
        }
    }

    private static final class Rounds {
        /** Changed within the map's own lock of the key. */
        private int users;
        /** How many have begun; guarded by this, as what follows. */
        private long begun;

        private boolean underWay;
        /** The latest one that came to the end. */
        private long ended;
        /** The latest one that failed, and why. */
        private long failed;

        private StoreUnavailable failure;

        private static Rounds joined(Rounds known) {
            var rounds = known == null ? new Rounds() : known;
            rounds.users++;
            return rounds;
        }

        void take(BooleanSupplier isOver, BooleanSupplier read) {
            long own;
            synchronized (this) {
                own = begun + 1;
            }
            while (begin(own, isOver)) round(read);
        }

        /** Waits while one is under way; then whether the caller has to begin another one, as none has served it. */
        private synchronized boolean begin(long own, BooleanSupplier isOver) {
            try {
                while (underWay && ended < own && failed < own) wait();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new StoreUnavailable("interrupted while others read", interrupted);
            }
            if (ended >= own || isOver.getAsBoolean()) return false;
            if (failed >= own) throw failure;
            underWay = true;
            begun++;
            return true;
        }

        private void round(BooleanSupplier read) {
            var isWhole = false;
            StoreUnavailable away = null;
            try {
                isWhole = read.getAsBoolean();
            } catch (StoreUnavailable unavailable) {
                away = unavailable;
                throw unavailable;
            } finally {
                end(isWhole, away);
            }
        }

        private synchronized void end(boolean isWhole, StoreUnavailable away) {
            underWay = false;
            if (isWhole) ended = begun;
            if (away != null) {
                failed = begun;
                failure = away;
            }
            notifyAll();
        }
    }
}

package dev.sluice.uplink.contract;

import java.util.function.Supplier;

/**
 * How much of its time and depth a check has used. Confined to the thread of the check, where everything that may go on for
 * long asks it in between.
 */
final class CheckLimit {
    /** Rules within each other: 20 for each level that a payload may have. */
    private static final int DEPTH = 2_000;

    private static final ScopedValue<CheckLimit> CURRENT = ScopedValue.newInstance();

    private final long start = System.nanoTime();
    private final long nanos;
    private int depth;

    CheckLimit(long nanos) {
        this.nanos = nanos;
    }

    /** The rule at hand leads to another one in the same place without end, or nearly so. */
    static final class TooDeep extends Error {
        private static final long serialVersionUID = 1L;

        private TooDeep() {
            super("the check goes too deep", null, false, false);
        }
    }

    /** Runs a check, or a part of it, under this limit. */
    <T> T run(Supplier<T> check) {
        return ScopedValue.where(CURRENT, this).call(check::get);
    }

    /** Ends a check that has taken too long; does nothing on a thread that checks no payload. */
    static void check() {
        if (CURRENT.isBound()) CURRENT.get().step();
    }

    /** @throws CheckOverrun when the time is over */
    void step() {
        if (System.nanoTime() - start > nanos) throw new CheckOverrun();
    }

    void enter() {
        step();
        if (++depth > DEPTH) throw new TooDeep();
    }

    void leave() {
        depth--;
    }
}

package dev.sluice.cluster.node;

import java.util.function.Consumer;

/** Owns whether an operator has told this gateway, by its row in PostgreSQL, to let its clients go. Any thread may ask who is told. */
public final class DrainOrder {
    private volatile Consumer<Boolean> told = _ -> {};
    private volatile boolean drains;
    /** Of the lease's thread. */
    private boolean isForgotten;

    DrainOrder() {}

    /**
     * Names who is told that this gateway is to let its clients go, or, false, that it need not any more: on the lease's thread, which must
     * not be held up.
     */
    public void onChange(Consumer<Boolean> task) {
        told = task;
        if (drains) task.accept(true);
    }

    /** The gateway has a new row. */
    void forgotten() {
        isForgotten = drains;
    }

    /** Whether PostgreSQL is to be told what it has forgotten, since the gateway was dead meanwhile. */
    boolean isToBeSaid() {
        return isForgotten;
    }

    /** What its row says. */
    void is(boolean draining) {
        isForgotten = false;
        if (draining == drains) return;
        drains = draining;
        told.accept(draining);
    }
}

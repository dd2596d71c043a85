package dev.sluice.access.rule;

import jakarta.inject.Singleton;

/** Owns the rules that decide now. Any thread may read them. */
@Singleton // read for each PUBLISH: not by way of a proxy
public final class RulesInForce {
    private volatile Rules rules;
    private volatile Runnable changed = () -> {};

    /** Null while none are to be kept: then everything is allowed. */
    public Rules rules() {
        return rules;
    }

    /** @param task to be run whenever the rules have changed, by the thread that has changed them */
    public void onChange(Runnable task) {
        changed = task;
    }

    public void use(Rules others) {
        rules = others;
        changed.run();
    }
}

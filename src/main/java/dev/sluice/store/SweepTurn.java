package dev.sluice.store;

import jakarta.enterprise.context.ApplicationScoped;

/** Owns the knowledge whether this gateway is the one that sweeps what all gateways share. Any thread may use it. */
@ApplicationScoped
public class SweepTurn {
    private volatile boolean ours;

    public boolean isOurs() {
        return ours;
    }

    /** To be called by whoever knows of the other gateways. */
    public void set(boolean ours) {
        this.ours = ours;
    }
}

package dev.sluice.uplink.contract;

/** A check has taken as long as it may. No exception: the library of JSON Schema catches and logs those. */
public final class CheckOverrun extends Error {
    private static final long serialVersionUID = 1L;

    CheckOverrun() {
        super("the check takes too long", null, false, false);
    }
}

package dev.sluice.store;

/** PostgreSQL could not be asked, or did not answer in time: a passing state, which the client may try again after. */
public class StoreUnavailable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean inDoubt;

    public StoreUnavailable(String message, Throwable cause) {
        this(message, cause, false);
    }

    /** @param inDoubt whether what was asked for may have been done all the same */
    public StoreUnavailable(String message, Throwable cause, boolean inDoubt) {
        super(message, cause, false, false);
        this.inDoubt = inDoubt;
    }

    /** Whether what was asked for may have been done all the same: the answer to its COMMIT is what is missing. */
    public boolean isInDoubt() {
        return inDoubt;
    }
}

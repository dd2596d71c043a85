package dev.sluice.store;

/** PostgreSQL could not be asked, or did not answer in time: a passing state, which the client may try again after. */
public class StoreUnavailable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StoreUnavailable(String message, Throwable cause) {
        super(message, cause, false, false);
    }
}

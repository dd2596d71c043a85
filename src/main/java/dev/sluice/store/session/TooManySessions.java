package dev.sluice.store.session;

/** A session is not opened because there are as many as there may be. */
public final class TooManySessions extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooManySessions(long most) {
        super(
                "there are " + most + " sessions, as many as there may be (sluice.store.sessions-maximum)",
                null,
                false,
                false);
    }
}

package dev.sluice.store.session;

/** The session that a client asks for belongs to another identity. */
public final class ForeignSession extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ForeignSession() {
        super("the session of this client identifier belongs to another user", null, false, false);
    }
}

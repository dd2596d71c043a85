package dev.sluice.access.token;

import dev.sluice.access.Reason;

/** A token is not good, or cannot be judged now; the message is for the log. */
public final class TokenRefused extends Exception {
    private static final long serialVersionUID = 1L;

    private final Reason reason;

    private TokenRefused(Reason reason, String logText) {
        super(logText, null, false, false);
        this.reason = reason;
    }

    static TokenRefused bad(String logText) {
        return new TokenRefused(Reason.BAD_CREDENTIALS, logText);
    }

    /** The token is good, but not for this client. */
    static TokenRefused notForThis(String logText) {
        return new TokenRefused(Reason.NOT_AUTHORIZED, logText);
    }

    /** The keys cannot be had. */
    static TokenRefused notNow(String logText) {
        return new TokenRefused(Reason.UNAVAILABLE, logText);
    }

    public Reason reason() {
        return reason;
    }
}

package dev.sluice.access;

/** What a method of authentication answers. */
public sealed interface Verdict {
    /**
     * The client is who it says.
     *
     * @param data the last Authentication Data for the client; null for none
     */
    record Granted(Identity identity, byte[] data) implements Verdict {
        public Granted(Identity identity) {
            this(identity, null);
        }
    }

    /** @param logText a sentence for the log, which the client is not told */
    record Denied(Reason reason, String logText) implements Verdict {}

    /**
     * The client has to answer first; only with extended authentication.
     *
     * @param data Authentication Data for the client; null for none
     * @param next takes what the client answers
     */
    record Challenge(byte[] data, Conversation next) implements Verdict {}
}

package dev.sluice.access;

/** Why a client is not let in, as far as it may know. */
public enum Reason {
    /** Unknown, wrong, expired or withdrawn: the client is not told which. */
    BAD_CREDENTIALS,
    /** The credential is good, but not for this: another client id, or another address. */
    NOT_AUTHORIZED,
    /** Nobody offers this method of extended authentication. */
    BAD_METHOD,
    /** What it says is not what its method of extended authentication says. */
    PROTOCOL_ERROR,
    BANNED,
    /** Too many failures; to be tried again later. */
    THROTTLED,
    /** Too many are being judged; to be tried again soon. */
    BUSY,
    /** It cannot be judged now. */
    UNAVAILABLE
}

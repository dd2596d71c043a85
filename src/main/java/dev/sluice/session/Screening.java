package dev.sluice.session;

/** Whether a message that is due is sent. */
public enum Screening {
    SEND,
    /** The client has seen a newer retained one of its topic: one of the durable queue is not sent for the first time any more. */
    OUTDATED,
    /** The client may not have it, or no longer. */
    FORBIDDEN
}

package dev.sluice.uplink.contract;

/** How long the check of a payload may take. */
public enum Effort {
    /** On an event loop: after 2 ms, or for more than 16 KiB, the check gives up with {@link CheckOverrun}. */
    BRIEF,
    /** On a thread that may be busy: after {@code sluice.uplink.contract-timeout}, the payload counts as one that breaks the contract. */
    FULL
}

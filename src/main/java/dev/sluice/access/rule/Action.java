package dev.sluice.access.rule;

/** What a rule lets somebody do, or not. */
public enum Action {
    PUBLISH,
    SUBSCRIBE,
    /** To be given a message of a subscription. A rule for {@link #SUBSCRIBE} speaks for this, too. */
    RECEIVE
}

package dev.sluice.session;

/** Which message is dropped when one more arrives for a client whose queue in memory is full. */
public enum QueuePolicy {
    /** Those that wait longest. */
    DROP_OLDEST,
    /** The one that arrives. */
    DROP_NEWEST,
    /** Those of QoS 0 that wait longest; with none of them left, the one that arrives. */
    DROP_QOS0_FIRST
}

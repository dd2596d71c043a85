package dev.sluice.session;

/** Which message is dropped when one more arrives for a client whose queue in memory is full. */
public enum QueuePolicy {
    /** Drops the messages that wait longest. */
    DROP_OLDEST,
    /** The one that arrives. */
    DROP_NEWEST,
    /** Drops the QoS 0 messages that wait longest; if there are none, the message that arrives. */
    DROP_QOS0_FIRST
}

package dev.sluice.session;

/** Is told once what has become of a message that is in memory only; on the connection's event loop, which it must not hold up. */
@FunctionalInterface
public interface Receipt {
    void settle(Outcome outcome);

    enum Outcome {
        /** Sent at QoS 0, or answered by the client. */
        DELIVERED,
        /** Answered with an error: the client has it, and does not want it. */
        REJECTED,
        /** Its Message Expiry Interval has passed. */
        EXPIRED,
        /** Larger than the client's Maximum Packet Size. */
        TOO_LARGE,
        /** The client may not have got it: its queue in memory is full, or it is gone. */
        LOST
    }
}

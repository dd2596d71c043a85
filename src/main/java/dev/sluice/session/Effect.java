package dev.sluice.session;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;

/** What a session wants done. */
public sealed interface Effect {
    record Send(Packet packet) implements Effect {}

    record OpenSession(Packet.Connect connect, Grant grant) implements Effect {}

    /** The CONNACK is out: the connection may forward and is counted. */
    record Start(Grant grant) implements Effect {}

    /** Produce the records of this PUBLISH; at QoS 1 and 2 the answer is {@link Event.Forwarded}. */
    record Forward(Packet.Publish publish) implements Effect {}

    /** Make the packet identifier of a QoS 2 PUBLISH durable; the answer is {@link Event.Remembered}. */
    record Remember(int packetId, String messageId) implements Effect {}

    /** Drop the packet identifier for good; the answer is {@link Event.Forgotten}. */
    record Forget(int packetId) implements Effect {}

    /** @param sessionExpiry seconds that the session lives on, 0 to end it now */
    record EndSession(long sessionExpiry, ReasonCode reason) implements Effect {}

    /**
     * Close the socket once everything sent is out.
     *
     * @param why a sentence for the log
     */
    record Close(ReasonCode reason, String why) implements Effect {}
}

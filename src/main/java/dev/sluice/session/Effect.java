package dev.sluice.session;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import java.util.List;

/** Something that a session wants done. */
public sealed interface Effect {
    /** Something about what the client publishes. */
    sealed interface OfPublisher extends Effect {}

    /** Something about what the client is subscribed to, or is given. */
    sealed interface OfReceiver extends Effect {}

    /** A client's proof of who it is, to be judged; the answer is an {@link Event.OfAuthentication}. */
    sealed interface OfAuthentication extends Effect {}

    record Send(Packet packet) implements Effect {}

    /** @param connect the only one that still has its password */
    record Authenticate(Packet.Connect connect, String clientId) implements OfAuthentication {}

    /** The client has answered a challenge by AUTH; {@code data} is null without. */
    record ContinueAuthentication(byte[] data) implements OfAuthentication {}

    /** The client, which is online, proves again who it is; {@code data} is null without. */
    record Reauthenticate(byte[] data) implements OfAuthentication {}

    record OpenSession(Packet.Connect connect, Grant grant) implements Effect {}

    /** The CONNACK is out: the connection may forward and is counted. */
    record Start(Grant grant) implements Effect {}

    /**
     * Produce the records of this PUBLISH; at QoS 1 and 2 the answer is {@link Event.Forwarded}.
     *
     * @param receivedAt milliseconds since 1970
     */
    record Forward(Packet.Publish publish, long receivedAt) implements OfPublisher {}

    /** This PUBLISH is a token, and is held: it may be judged before it is forwarded, and is not answered before. */
    record Renew(Packet.Publish publish) implements OfPublisher {}

    /**
     * Kafka has this QoS 2 PUBLISH and all earlier ones: make its packet identifier, for a durable session, and the copies
     * that others are owed durable; the answer is {@link Event.Accepted}. In the order received.
     *
     * @param receivedAt milliseconds since 1970: its Message Expiry Interval counts from there, however long Kafka took
     * @param messageId what a repeat of this PUBLISH would carry, too; null if no record was made
     */
    record Accept(Packet.Publish publish, long receivedAt, String messageId) implements OfPublisher {}

    /** Drop the packet identifier for good; the answer is {@link Event.Forgotten}. */
    record Forget(int packetId) implements OfPublisher {}

    /** The answer is {@link Event.Subscribed}. */
    record Subscribe(Packet.Subscribe subscribe) implements OfReceiver {}

    /** The answer is {@link Event.Unsubscribed}. */
    record Unsubscribe(Packet.Unsubscribe unsubscribe) implements OfReceiver {}

    /** Read the rows of the durable queue that follow a place; the answer is {@link Event.QueueLoaded} or {@link Event.QueueFailed}. */
    record LoadQueue(long afterSeq, int limit) implements OfReceiver {
        /** Of all rows together, if there are several. */
        public static final int MOST_BYTES = 256 * 1024;
    }

    /**
     * The row at this place is to be sent under this packet identifier, now and after a crash; the answer is {@link
     * Event.PacketIdAssigned}.
     */
    record AssignPacketId(long seq, int packetId) implements OfReceiver {}

    /** The client has answered PUBREC for the row at this place; the answer is {@link Event.Marked}. */
    record MarkReceived(long seq) implements OfReceiver {}

    /**
     * The row at this place is done with: delete it. The answer is {@link Event.Deleted}.
     *
     * @param sentSeq the highest place sent so far on this connection, 0 for none
     */
    record Acknowledge(long seq, long sentSeq) implements OfReceiver {}

    /** A message is done with, or lost; to be told to whom it may concern. */
    record Settle(Receipt receipt, Receipt.Outcome outcome) implements Effect {}

    /** The client will not get this message; to be counted. A row of the durable queue is deleted by another effect. */
    record Drop(Delivery delivery, Why why) implements OfReceiver {}

    /**
     * The client has exceeded a bound; to be counted.
     *
     * @param bound the last part of its key
     */
    record Exceeded(String bound) implements Effect {}

    enum Why {
        /** Too much waits in memory for the client. */
        QUEUE_FULL,
        /** Too much waits in memory for all clients together. */
        MEMORY_FULL,
        /** Its Message Expiry Interval has passed [MQTT-3.3.2-5]. */
        EXPIRED,
        /** It is larger than the client's Maximum Packet Size [MQTT-3.1.2-25]. */
        TOO_LARGE,
        /** It was stored when the gateway's bounds were wider: its topic has too many levels, or it has too many properties. */
        ABOVE_BOUNDS,
        /** The rules do not let the client have it. */
        NOT_AUTHORIZED
    }

    /**
     * The session is over, and these messages that a Shared Subscription chose it for have to go to other members
     * [MQTT-4.8.2-4] [MQTT-4.8.2-5]. Follows {@link EndSession}, if there is one; only of a session that is not durable.
     */
    record Return(List<Delivery> deliveries) implements OfReceiver {}

    /**
     * The client has said DISCONNECT and what it published before is not done with: goes on until the session no longer {@link
     * Session#isWaiting waits}, without a socket. Follows {@link EndSession}.
     *
     * @param sessionGoesOn whether its QoS 2 packet identifiers are still to be remembered
     */
    record Finish(boolean sessionGoesOn) implements Effect {}

    /** So many PUBLISHes that were read, and not answered, are given up; to be counted. */
    record Abandon(int publishes) implements OfPublisher {}

    /**
     * The connection gives its session up.
     *
     * @param sessionExpiry seconds that the session lives on, 0 to end it now
     * @param sentSeq the highest place of the durable queue sent on this connection, 0 for none
     * @param publishWill whether the Will is due; else it is deleted [MQTT-3.1.2-8] [MQTT-3.1.2-10]
     */
    record EndSession(long sessionExpiry, ReasonCode reason, long sentSeq, boolean publishWill) implements Effect {
        /** The same for a client that has said good-bye. */
        public EndSession withoutWill() {
            return new EndSession(sessionExpiry, reason, sentSeq, false);
        }
    }

    /**
     * Close the socket once everything sent is out.
     *
     * @param why a sentence for the log
     */
    record Close(ReasonCode reason, String why) implements Effect {}
}

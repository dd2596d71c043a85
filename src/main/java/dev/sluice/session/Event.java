package dev.sluice.session;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import java.util.List;
import java.util.SortedMap;

/** Something that happens to a session. */
public sealed interface Event {
    /** Progress beside the socket of a client that is online; it means nothing to a session in any other phase. */
    sealed interface Progress extends Event {}

    /** Progress of what the client has published, which goes on when the client has said DISCONNECT. */
    sealed interface PublishProgress extends Progress {}

    /** What has become of the proof that {@link Effect.OfAuthentication} asked for. */
    sealed interface OfAuthentication extends Event {}

    record Received(Packet packet) implements Event {}

    /**
     * Bytes that are not a packet, or a packet that the standard forbids.
     *
     * @param version that of a CONNECT, which may be the very packet at fault; null before one was recognised
     */
    record Faulted(MqttFault fault, ProtocolVersion version) implements Event {}

    /**
     * The client is known.
     *
     * @param limits what it is granted at most; looked at before its session opens
     * @param data the last Authentication Data for the client; null for none
     */
    record Authenticated(Limits limits, byte[] data) implements OfAuthentication {}

    /** The client has to answer first, by AUTH. {@code data} is Authentication Data for it, null for none. */
    record Challenged(byte[] data) implements OfAuthentication {}

    /** @param why a sentence that the client may know */
    record Denied(ReasonCode reason, String why) implements OfAuthentication {}

    /**
     * @param durable whether its queue and its QoS 2 packet identifiers are in PostgreSQL
     * @param received QoS 2 packet identifiers taken from the client and not yet released, each with its {@link Repeat#note}
     * @param lastSeq place of the last row that was put into the durable queue, 0 for none ever
     * @param queued whether rows wait in it
     */
    record SessionOpened(
            boolean present, boolean durable, SortedMap<Integer, String> received, long lastSeq, boolean queued)
            implements Event {}

    record OpenFailed(ReasonCode reason, String why) implements Event {}

    /**
     * Kafka has every record of a QoS 1 or 2 PUBLISH, or refuses one for good; at QoS 1, the journal has its copies, too.
     *
     * @param why a sentence for the Reason String, null on success
     * @param messageId what a repeat of this PUBLISH would carry, too
     */
    record Forwarded(int packetId, QoS qos, ReasonCode outcome, String why, String messageId)
            implements PublishProgress {}

    /** The journal has a QoS 2 PUBLISH: its packet identifier and the copies that others are owed. */
    record Accepted(int packetId, ReasonCode outcome) implements PublishProgress {}

    /** The journal has dropped a QoS 2 packet identifier. */
    record Forgotten(int packetId) implements PublishProgress {}

    /**
     * @param reasons one for each entry of the SUBSCRIBE
     * @param why a sentence for the Reason String about the first one that is refused; null if none is
     */
    record Subscribed(int packetId, List<ReasonCode> reasons, String why) implements Progress {}

    /**
     * @param reasons one for each filter of the UNSUBSCRIBE
     * @param why a sentence for the Reason String about the first one that is refused; null if none is
     */
    record Unsubscribed(int packetId, List<ReasonCode> reasons, String why) implements Progress {}

    /** A message for the client; one with a place in the durable queue is committed there. */
    record Deliver(Delivery delivery) implements Progress {}

    /**
     * The rows that {@link Effect.LoadQueue} asked for, in the order of the queue; it may have fewer than the limit.
     *
     * @param more whether rows follow the last one
     */
    record QueueLoaded(List<Delivery> rows, boolean more) implements Progress {}

    /** Rows up to this place of the durable queue are committed, and come only by {@link QueueLoaded}. */
    record Queued(long seq) implements Progress {}

    /** The rows cannot be read now; asked for again at the next {@link Drained}. */
    record QueueFailed() implements Progress {}

    /** The journal knows the packet identifier of the row at this place. */
    record PacketIdAssigned(long seq) implements Progress {}

    /** The journal knows that the client has answered PUBREC for the row at this place. */
    record Marked(long seq) implements Progress {}

    /** The journal has deleted a row that {@link Effect.Acknowledge} named. */
    record Deleted() implements Progress {}

    /** Kafka and PostgreSQL may have room for what the client publishes. */
    record Resumed() implements PublishProgress {}

    /** The socket takes more again; also told once a second. */
    record Drained() implements Progress {}

    /** The server ends the connection, at once or soon. */
    sealed interface End extends Event {
        ReasonCode reason();

        /** A sentence for the client and for the log. */
        String why();
    }

    /** At once: keep alive, take-over, a deadline. */
    record Ended(ReasonCode reason, String why) implements End {}

    /**
     * The client is to go to another connection as soon as nothing is half done: what it begins from now on is left unanswered, and
     * the rows of its durable queue stay there. One that is not online yet goes at once.
     */
    record Leave(ReasonCode reason, String why) implements End {
        /** The end that follows. */
        public Ended end() {
            return new Ended(reason, why);
        }
    }

    record TransportClosed() implements Event {}
}

package dev.sluice.session;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import java.util.List;

/** What happens to a session. */
public sealed interface Event {
    record Received(Packet packet) implements Event {}

    /**
     * Bytes that are no packet, or a packet that the standard forbids.
     *
     * @param version that of a CONNECT, which may be the very packet at fault; null before one was recognised
     */
    record Faulted(MqttFault fault, ProtocolVersion version) implements Event {}

    /** @param received QoS 2 packet identifiers taken from the client and not yet released */
    record SessionOpened(boolean present, List<Integer> received) implements Event {}

    record OpenFailed(ReasonCode reason, String why) implements Event {}

    /**
     * Kafka has every record of a QoS 1 or 2 PUBLISH, or refuses one for good.
     *
     * @param why a sentence for the Reason String, null on success
     * @param messageId what a repeat of this PUBLISH would carry, too
     */
    record Forwarded(int packetId, QoS qos, ReasonCode outcome, String why, String messageId) implements Event {}

    /** The journal has a QoS 2 packet identifier. */
    record Remembered(int packetId) implements Event {}

    /** The journal has dropped a QoS 2 packet identifier. */
    record Forgotten(int packetId) implements Event {}

    /** The server ends the connection: keep alive, take-over, drain, a deadline. */
    record Ended(ReasonCode reason, String why) implements Event {}

    record TransportClosed() implements Event {}
}

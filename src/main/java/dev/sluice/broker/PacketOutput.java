package dev.sluice.broker;

import dev.sluice.codec.PacketBuffer;
import dev.sluice.codec.PacketWriter;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import java.util.function.Consumer;

/** What a connection sends and has not handed to its socket yet; confined to the connection's event loop. */
final class PacketOutput {
    /** Ends the connection: its client would wait for ever. */
    private static final Event TOO_LARGE =
            new Event.Ended(ReasonCode.PACKET_TOO_LARGE, "an answer is larger than its Maximum Packet Size");

    private final PacketBuffers buffers;
    private final Transport transport;
    private final BrokerMeters meters;
    private final int slowAbove;
    private final Consumer<Event> listener;

    /** How many bytes the client had taken when somebody looked, at most. */
    private long takenBytes;

    private PacketWriter writer;
    private PacketBuffer buffer;

    /** Whether an answer was too large, so that the connection is about to end: only that is still told. */
    private boolean ending;
    /** Whether that cannot be told, either. */
    private boolean mute;

    /** @param listener is told when an answer is larger than the client takes */
    PacketOutput(
            PacketBuffers buffers, Transport transport, BrokerMeters meters, int slowAbove, Consumer<Event> listener) {
        this.buffers = buffers;
        this.transport = transport;
        this.meters = meters;
        this.slowAbove = slowAbove;
        this.listener = listener;
    }

    /**
     * Writes a packet, unless it is larger than the client takes [MQTT-3.1.2-24].
     *
     * @param version the same for all packets of a connection, null before it was recognised
     * @param grant what the client was granted; null before that
     * @return whether it is the first since the last flush
     */
    boolean write(Packet packet, ProtocolVersion version, Grant grant) {
        if (writer == null) writer = new PacketWriter(version == null ? ProtocolVersion.V3_1_1 : version);
        if (mute || ending && !(packet instanceof Packet.Disconnect)) return false;
        if (grant != null && writer.size(packet) > grant.clientMaximumPacketSize()) {
            meters.tooLargeForClient();
            return tooLarge(packet, grant);
        }
        return append(packet);
    }

    private boolean append(Packet packet) {
        var first = buffer == null;
        if (first) buffer = buffers.take();
        writer.write(packet, buffer);
        meters.sent(packet);
        return first;
    }

    /** A message is not owed to the client, an answer is. */
    private boolean tooLarge(Packet packet, Grant grant) {
        if (packet instanceof Packet.Publish || packet instanceof Packet.Disconnect) return false;
        ending = true;
        listener.accept(TOO_LARGE);
        if (!(packet instanceof Packet.ConnAck)) return false;
        // Without CONNACK there can be no DISCONNECT [MQTT-3.14.0-1].
        var refusal = new Packet.ConnAck(false, ReasonCode.PACKET_TOO_LARGE, Properties.NONE);
        mute = true;
        return writer.size(refusal) <= grant.clientMaximumPacketSize() && append(refusal);
    }

    /** Hands everything written to the socket as one message. */
    void flush() {
        if (buffer == null) return;
        var written = buffer;
        buffer = null;
        transport.send(written.array(), written.length());
        buffers.giveBack(written);
    }

    /** Notes how much the client has taken; true if that is more than the last time, or there is nothing to take. */
    boolean noteProgress() {
        var before = takenBytes;
        takenBytes = Math.max(before, transport.taken());
        return transport.unsent() == 0 || takenBytes > before;
    }

    /** Whether messages may be written. Answers always may. */
    boolean hasRoom() {
        return transport.unsent() + (buffer == null ? 0 : buffer.length()) < slowAbove / 2;
    }

    /** Whether too many bytes wait for the client to read them. */
    boolean isSlow() {
        return transport.unsent() > slowAbove;
    }
}

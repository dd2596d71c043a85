package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.PACKET_TOO_LARGE;
import static dev.sluice.packet.ReasonCode.PROTOCOL_ERROR;

import java.nio.ByteBuffer;

/**
 * Owns the bytes of a control packet that has not arrived whole. Confined to its connection's event loop. After a fault
 * the stream has no packet boundary any more: the connection is to be closed.
 */
public final class PacketFramer {
    private static final int UNKNOWN = 0;
    private static final int LONGEST_FIXED_HEADER = 5;
    private static final int SMALLEST_GROWTH = 64;

    private int maximumPacketSize;
    private boolean connectOnly;
    private ByteBuffer held;
    private int packetSize = UNKNOWN;

    /** The maximum counts the whole packet, its fixed header too [MQTT-3.1.2-24]. */
    public PacketFramer(int maximumPacketSize) {
        this.maximumPacketSize = maximumPacketSize;
    }

    /** That of a connection that has not sent its CONNECT, and sends nothing else before {@link #admitAll}. */
    public static PacketFramer beforeConnect(int maximumPacketSize) {
        var framer = new PacketFramer(maximumPacketSize);
        framer.connectOnly = true;
        return framer;
    }

    /** Takes packets of every type from now on. */
    public void admitAll(int maximumPacketSize) {
        this.maximumPacketSize = maximumPacketSize;
        connectOnly = false;
    }

    /**
     * Consumes the next whole packet, or all that is left when the packet is not whole yet: then null. The answer shares
     * the memory of the given buffer where the packet is whole in it, and is to be read before that is used again.
     */
    public ByteBuffer next(ByteBuffer in) {
        return held == null ? begin(in) : resume(in);
    }

    /** Returns whether no part of a packet is held. */
    public boolean isEmpty() {
        return held == null;
    }

    /** The memory in bytes that is held for a packet that is not whole yet. */
    public int heldMemory() {
        return held == null ? 0 : held.capacity();
    }

    /** Lets go of a packet that is not whole yet: nothing more is read. */
    public void drop() {
        held = null;
    }

    private ByteBuffer begin(ByteBuffer in) {
        if (!in.hasRemaining()) return null;
        if (connectOnly && (in.get(in.position()) & 0xFF) >> 4 != PacketType.CONNECT)
            throw new MqttFault(PROTOCOL_ERROR, "first packet is not CONNECT"); // [MQTT-3.1.0-1]
        var size = sizeOf(in, in.position(), in.limit());
        if (size == UNKNOWN || size > in.remaining()) {
            packetSize = size;
            held = ByteBuffer.allocate(size == UNKNOWN ? LONGEST_FIXED_HEADER : in.remaining());
            held.put(in);
            return null;
        }
        var packet = in.slice(in.position(), size);
        in.position(in.position() + size);
        return packet;
    }

    private ByteBuffer resume(ByteBuffer in) {
        while (packetSize == UNKNOWN) {
            if (!in.hasRemaining()) return null;
            held.put(in.get());
            packetSize = sizeOf(held, 0, held.position());
        }
        var taken = Math.min(packetSize - held.position(), in.remaining());
        makeRoom(taken);
        held.put(held.position(), in, in.position(), taken).position(held.position() + taken);
        in.position(in.position() + taken);
        return held.position() == packetSize ? release() : null;
    }

    private ByteBuffer release() {
        var packet = held.flip();
        held = null;
        packetSize = UNKNOWN;
        return packet;
    }

    /** Doubles, so that a packet in many small pieces is copied twice at most, and no length is believed in advance. */
    private void makeRoom(int taken) {
        var needed = held.position() + taken;
        if (needed <= held.capacity()) return;
        var doubled = Math.max(SMALLEST_GROWTH, Math.max(needed, 2 * held.capacity()));
        held = ByteBuffer.allocate(Math.min(packetSize, doubled)).put(held.flip());
    }

    private int sizeOf(ByteBuffer bytes, int start, int limit) {
        var remainingLength = VariableByteInteger.peek(bytes, start + 1, limit);
        if (remainingLength == VariableByteInteger.INCOMPLETE) return UNKNOWN;
        var size = 1 + VariableByteInteger.size(remainingLength) + remainingLength;
        if (size > maximumPacketSize)
            throw new MqttFault(PACKET_TOO_LARGE, "packet of " + size + " bytes, the maximum is " + maximumPacketSize);
        return size;
    }
}

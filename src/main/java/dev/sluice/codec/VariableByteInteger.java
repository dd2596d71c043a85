package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;

import java.nio.ByteBuffer;

/** Owns the encoding of lengths and identifiers in one to four bytes (section 1.5.5). Stateless. */
final class VariableByteInteger {
    static final int MAXIMUM = 268_435_455;
    static final int INCOMPLETE = -1;

    private VariableByteInteger() {}

    /** The value whose first byte is at the index, or {@link #INCOMPLETE} when it does not end before the limit. */
    static int peek(ByteBuffer in, int index, int limit) {
        var value = 0;
        for (int shift = 0; index < limit; shift += 7) {
            int next = in.get(index++);
            value |= (next & 0x7F) << shift;
            if (next >= 0) return minimal(value, next, shift);
            if (shift == 21) throw new MqttFault(MALFORMED_PACKET, "variable byte integer of more than four bytes");
        }
        return INCOMPLETE;
    }

    static int read(ByteBuffer in) {
        var value = peek(in, in.position(), in.limit());
        if (value == INCOMPLETE) throw new MqttFault(MALFORMED_PACKET, "variable byte integer is cut off");
        in.position(in.position() + size(value));
        return value;
    }

    /** The number of bytes that encode the value. */
    static int size(int value) {
        if (value < 1 << 7) return 1;
        if (value < 1 << 14) return 2;
        return value < 1 << 21 ? 3 : 4;
    }

    /** [MQTT-1.5.5-1] */
    private static int minimal(int value, int last, int shift) {
        if (last == 0 && shift > 0)
            throw new MqttFault(MALFORMED_PACKET, "variable byte integer is longer than its value needs");
        return value;
    }
}

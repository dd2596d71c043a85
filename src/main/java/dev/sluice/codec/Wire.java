package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;
import static dev.sluice.packet.ReasonCode.PROTOCOL_ERROR;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Owns how the data types of section 1.5 are read, each checked against what is left of the packet. Stateless. */
final class Wire {
    private Wire() {}

    static int oneByte(ByteBuffer in) {
        need(in, 1);
        return in.get() & 0xFF;
    }

    static int twoBytes(ByteBuffer in) {
        need(in, 2);
        return (in.get() & 0xFF) << 8 | in.get() & 0xFF;
    }

    static long fourBytes(ByteBuffer in) {
        return (long) twoBytes(in) << 16 | twoBytes(in);
    }

    static byte[] binary(ByteBuffer in) {
        return bytes(in, twoBytes(in));
    }

    static String text(ByteBuffer in) {
        var bytes = binary(in);
        checkText(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Never 0 where there is one [MQTT-2.2.1-3]: it parses, but is not allowed, hence a Protocol Error. */
    static int packetId(ByteBuffer in) {
        var packetId = twoBytes(in);
        if (packetId == 0) throw new MqttFault(PROTOCOL_ERROR, "packet identifier 0");
        return packetId;
    }

    /** Passes over a text or binary data. */
    static void skip(ByteBuffer in) {
        var length = twoBytes(in);
        need(in, length);
        in.position(in.position() + length);
    }

    /** Copies the bytes; the length is checked before anything is allocated. */
    static byte[] bytes(ByteBuffer in, int length) {
        need(in, length);
        var bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    /** Returns whether what comes next, of the length that {@code in} is known to have, are these very bytes. */
    static boolean isNext(ByteBuffer in, byte[] bytes, int length) {
        if (bytes.length != length) return false;
        if (!in.hasArray()) return in.slice(in.position(), length).equals(ByteBuffer.wrap(bytes));
        var start = in.arrayOffset() + in.position();
        return Arrays.equals(in.array(), start, start + length, bytes, 0, length);
    }

    static void checkText(byte[] bytes) {
        if (!Utf8.isString(bytes)) throw new MqttFault(MALFORMED_PACKET, "text is not well-formed UTF-8");
    }

    static void need(ByteBuffer in, int length) {
        if (in.remaining() < length) throw new MqttFault(MALFORMED_PACKET, "packet ends before its content");
    }
}

package dev.sluice.endpoint;

import dev.sluice.broker.Transport;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Parses a client's WebSocket frames out of a byte stream, in whatever pieces it comes; data frames are passed on piece by
 * piece, unmasked in place. Confined to one thread.
 */
final class FrameParser {
    /** What {@link #payload} holds. */
    enum Kind {
        /** A piece of a binary message. */
        DATA,
        PING,
        PONG,
        CLOSE
    }

    /** A frame that RFC 6455 forbids, or a text message, which MQTT forbids [MQTT-6.0.0-1]. */
    static final class Violation extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final int status;

        /** @param status the status code of the Close frame that answers it */
        Violation(int status, String message) {
            super(message, null, false, false);
            this.status = status;
        }

        int status() {
            return status;
        }
    }

    private static final int CONTINUATION = 0x0;
    private static final int TEXT = 0x1;
    private static final int BINARY = 0x2;
    private static final int CLOSE = 0x8;
    private static final int PING = 0x9;
    private static final int PONG = 0xA;
    private static final int LONGEST_HEADER = 14;
    private static final int MASKED = 0x80;
    private static final int LONGEST_CONTROL = 125;

    /** The bytes of a header that has not come whole; null when it has, or nothing of it. */
    private ByteBuffer header;

    private int opcode;
    private boolean inHeader = true;
    private boolean inMessage;
    private long left;
    /** The masking key twice, first byte highest, so that it lies over eight bytes; turned with each piece. */
    private long mask;

    private boolean masked;
    /** A control frame's payload that has not come whole. */
    private ByteBuffer control;

    private Kind kind;
    private ByteBuffer payload;

    Kind kind() {
        return kind;
    }

    /** Whether the last frame was masked, as every frame of a client has to be; only a PONG is let through that is not. */
    boolean isMasked() {
        return masked;
    }

    /** The bytes of the last {@link #next}, valid until the following one. */
    ByteBuffer payload() {
        return payload;
    }

    /** Goes on to the next piece of payload, false when the input is used up. Empty data frames are passed over. */
    boolean next(ByteBuffer in) {
        while (true) {
            if (inHeader) {
                if (!header(in)) return false;
                inHeader = false;
            }
            if (opcode >= CLOSE) {
                if (!controlPayload(in)) return false;
                inHeader = true;
                return true;
            }
            if (left == 0) {
                inHeader = true;
            } else if (in.hasRemaining()) {
                dataPayload(in);
                return true;
            } else {
                return false;
            }
        }
    }

    private void dataPayload(ByteBuffer in) {
        var length = (int) Math.min(left, in.remaining());
        kind = Kind.DATA;
        payload = in.slice(in.position(), length);
        unmask(in, in.position(), length);
        in.position(in.position() + length);
        left -= length;
        if (left == 0) inHeader = true;
    }

    private boolean controlPayload(ByteBuffer in) {
        if (control == null) control = ByteBuffer.allocate((int) left);
        var length = Math.min(control.remaining(), in.remaining());
        unmask(in, in.position(), length);
        control.put(in.slice(in.position(), length));
        in.position(in.position() + length);
        if (control.hasRemaining()) return false;
        payload = control.flip();
        control = null;
        kind = opcode == PING ? Kind.PING : opcode == PONG ? Kind.PONG : Kind.CLOSE;
        return true;
    }

    /** Reads a frame's header, false when it is not whole yet. */
    private boolean header(ByteBuffer in) {
        if (header == null) {
            var length = headerLength(in, in.position(), in.remaining());
            if (length > 0 && length <= in.remaining()) {
                open(in, in.position(), length);
                in.position(in.position() + length);
                return true;
            }
            if (!in.hasRemaining()) return false;
            header = ByteBuffer.allocate(LONGEST_HEADER);
        }
        while (in.hasRemaining()) {
            header.put(in.get());
            if (headerLength(header, 0, header.position()) == header.position()) {
                open(header, 0, header.position());
                header = null;
                return true;
            }
        }
        return false;
    }

    /** Bytes of the header that starts here, 0 while too few are there to tell. */
    private static int headerLength(ByteBuffer bytes, int start, int available) {
        if (available < 2) return 0;
        var second = bytes.get(start + 1);
        var key = (second & MASKED) == 0 ? 0 : 4;
        return switch (second & 0x7F) {
            case 126 -> 4 + key;
            case 127 -> 10 + key;
            default -> 2 + key;
        };
    }

    private void open(ByteBuffer bytes, int start, int length) {
        var first = bytes.get(start);
        opcode = first & 0x0F;
        masked = (bytes.get(start + 1) & MASKED) != 0;
        // Some clients answer a ping with an unmasked PONG (Paho Python does), which says what it is to say all the
        // same.
        if (!masked && opcode != PONG) throw violation("a client's frame is not masked");
        left = payloadLength(bytes, start);
        var key = masked ? bytes.getInt(start + length - 4) & 0xFFFFFFFFL : 0;
        mask = key << 32 | key;
        check(first, (first & 0x80) != 0);
    }

    /** RFC 6455, section 5.2: the shortest form that holds the length is the only one. */
    private static long payloadLength(ByteBuffer bytes, int start) {
        var shortForm = bytes.get(start + 1) & 0x7F;
        if (shortForm < 126) return shortForm;
        var length = shortForm == 126 ? bytes.getShort(start + 2) & 0xFFFF : bytes.getLong(start + 2);
        if (length < 0) throw violation("a frame's length has its highest bit set");
        if (length < (shortForm == 126 ? 126 : 0x10000))
            throw violation("a frame's length is longer written than it has to be");
        return length;
    }

    private void check(int first, boolean fin) {
        if ((first & 0x70) != 0) throw violation("reserved bits of a frame are set");
        switch (opcode) {
            case TEXT -> throw new Violation(Transport.UNSUPPORTED_DATA, "a text frame");
            case BINARY -> {
                if (inMessage) throw violation("a new message before the last one's end");
                inMessage = !fin;
            }
            case CONTINUATION -> {
                if (!inMessage) throw violation("a continuation of nothing");
                inMessage = !fin;
            }
            case CLOSE, PING, PONG -> {
                if (!fin || left > LONGEST_CONTROL) throw violation("a control frame in parts or too long");
            }
            default -> throw violation("an unknown opcode, " + opcode);
        }
    }

    private static Violation violation(String message) {
        return new Violation(Transport.PROTOCOL_ERROR, message);
    }

    private void unmask(ByteBuffer bytes, int start, int length) {
        var order = bytes.order();
        bytes.order(ByteOrder.BIG_ENDIAN);
        var at = start;
        for (var end = start + (length & ~7); at < end; at += 8) bytes.putLong(at, bytes.getLong(at) ^ mask);
        for (int i = 0; i < (length & 7); i++, at++) bytes.put(at, (byte) (bytes.get(at) ^ mask >>> 56 - 8 * i));
        // The next piece goes on in the middle of the key.
        mask = Long.rotateLeft(mask, 8 * (length & 7));
        bytes.order(order);
    }
}

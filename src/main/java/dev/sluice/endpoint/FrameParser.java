package dev.sluice.endpoint;

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

        private final boolean text;

        private Violation(String message, boolean text) {
            super(message, null, false, false);
            this.text = text;
        }

        boolean isText() {
            return text;
        }
    }

    private static final int CONTINUATION = 0x0;
    private static final int TEXT = 0x1;
    private static final int BINARY = 0x2;
    private static final int CLOSE = 0x8;
    private static final int PING = 0x9;
    private static final int PONG = 0xA;
    private static final int LONGEST_HEADER = 14;
    private static final int LONGEST_CONTROL = 125;

    /** The bytes of a header that has not come whole; null when it has, or nothing of it. */
    private ByteBuffer header;

    private int opcode;
    private boolean inHeader = true;
    private boolean inMessage;
    private long left;
    /** The masking key twice, first byte highest, so that it lies over eight bytes; turned with each piece. */
    private long mask;
    /** A control frame's payload that has not come whole. */
    private ByteBuffer control;

    private Kind kind;
    private ByteBuffer payload;

    Kind kind() {
        return kind;
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
        if (second >= 0) throw new Violation("a client's frame is not masked", false);
        return switch (second & 0x7F) {
            case 126 -> 8;
            case 127 -> 14;
            default -> 6;
        };
    }

    private void open(ByteBuffer bytes, int start, int length) {
        var first = bytes.get(start);
        opcode = first & 0x0F;
        left = switch (length) {
            case 6 -> bytes.get(start + 1) & 0x7F;
            case 8 -> bytes.getShort(start + 2) & 0xFFFF;
            default -> bytes.getLong(start + 2);
        };
        var key = bytes.getInt(start + length - 4) & 0xFFFFFFFFL;
        mask = key << 32 | key;
        check(first, (first & 0x80) != 0);
    }

    private void check(int first, boolean fin) {
        if ((first & 0x70) != 0) throw new Violation("reserved bits of a frame are set", false);
        if (left < 0) throw new Violation("a frame's length has its highest bit set", false);
        switch (opcode) {
            case TEXT -> throw new Violation("a text frame", true);
            case BINARY -> {
                if (inMessage) throw new Violation("a new message before the last one's end", false);
                inMessage = !fin;
            }
            case CONTINUATION -> {
                if (!inMessage) throw new Violation("a continuation of nothing", false);
                inMessage = !fin;
            }
            case CLOSE, PING, PONG -> {
                if (!fin || left > LONGEST_CONTROL) throw new Violation("a control frame in parts or too long", false);
            }
            default -> throw new Violation("an unknown opcode, " + opcode, false);
        }
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

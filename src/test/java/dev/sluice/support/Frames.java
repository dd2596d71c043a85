package dev.sluice.support;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;

/** Makes the WebSocket frames of a client (RFC 6455, section 5.2), also those that no client should send. Stateless. */
public final class Frames {
    public static final int CONTINUATION = 0x0;
    public static final int TEXT = 0x1;
    public static final int BINARY = 0x2;
    public static final int CLOSE = 0x8;
    public static final int PING = 0x9;
    public static final int PONG = 0xA;

    private static final int MASK = 0x1B2C3D4E;

    private Frames() {}

    public static byte[] binary(byte[] payload) {
        return masked(true, BINARY, payload);
    }

    public static byte[] masked(boolean fin, int opcode, byte[] payload) {
        return masked(fin, opcode, payload, MASK);
    }

    public static byte[] masked(boolean fin, int opcode, byte[] payload, int mask) {
        var frame = new ByteArrayOutputStream();
        frame.writeBytes(header(fin, opcode, payload.length, mask));
        for (int i = 0; i < payload.length; i++) frame.write(payload[i] ^ mask >>> 24 - 8 * (i % 4));
        return frame.toByteArray();
    }

    /** The header of a frame whose payload may never come, or comes masked with 0, which is as it is. */
    public static byte[] header(boolean fin, int opcode, long length) {
        return header(fin, opcode, length, 0);
    }

    private static byte[] header(boolean fin, int opcode, long length, int mask) {
        var header = ByteBuffer.allocate(14).put((byte) ((fin ? 0x80 : 0) | opcode));
        if (length < 126) header.put((byte) (0x80 | length));
        else if (length <= 0xFFFF) header.put((byte) 0xFE).putShort((short) length);
        else header.put((byte) 0xFF).putLong(length);
        header.putInt(mask).flip();
        var bytes = new byte[header.remaining()];
        header.get(bytes);
        return bytes;
    }

    public static byte[] unmasked(int opcode, byte[] payload) {
        return join(new byte[] {(byte) (0x80 | opcode), (byte) payload.length}, payload);
    }

    public static byte[] join(byte[]... pieces) {
        var joined = new ByteArrayOutputStream();
        for (var piece : pieces) joined.writeBytes(piece);
        return joined.toByteArray();
    }
}

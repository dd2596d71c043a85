package dev.sluice.codec;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Owns the bytes of packets written and not yet sent. Not shared between threads. */
public final class PacketBuffer {
    private static final byte[] EMPTY = {};
    private static final int SMALLEST = 64;
    private static final int KEPT_AT_MOST = 64 * 1024;
    private static final int LONGEST_FIELD = 0xFFFF;

    private byte[] array = EMPTY;
    private int length;

    /** The array that the bytes are in, from 0 to {@link #length()}: the next put may replace it, {@link #clear()} reuses it. */
    public byte[] array() {
        return array;
    }

    public int length() {
        return length;
    }

    public boolean isEmpty() {
        return length == 0;
    }

    /** Forgets the bytes, and the memory too where one large packet made it grow. */
    public void clear() {
        length = 0;
        if (array.length > KEPT_AT_MOST) array = EMPTY;
    }

    /** Takes back what was put after the given length. */
    void truncate(int start) {
        length = start;
    }

    /** A copy of the bytes. */
    public byte[] toByteArray() {
        return Arrays.copyOf(array, length);
    }

    void putByte(int value) {
        makeRoom(1);
        array[length++] = (byte) value;
    }

    void putTwoBytes(int value) {
        makeRoom(2);
        array[length++] = (byte) (value >> 8);
        array[length++] = (byte) value;
    }

    void putFourBytes(long value) {
        putTwoBytes((int) (value >> 16));
        putTwoBytes((int) value);
    }

    void putVariableByteInteger(int value) {
        makeRoom(4);
        var rest = value;
        while (rest > 0x7F) {
            array[length++] = (byte) (rest & 0x7F | 0x80);
            rest >>>= 7;
        }
        array[length++] = (byte) rest;
    }

    void putBytes(byte[] bytes) {
        makeRoom(bytes.length);
        System.arraycopy(bytes, 0, array, length, bytes.length);
        length += bytes.length;
    }

    /** Binary Data: two bytes of length, then the bytes. */
    void putBinary(byte[] bytes) {
        if (bytes.length > LONGEST_FIELD) throw new IllegalArgumentException("field of " + bytes.length + " bytes");
        putTwoBytes(bytes.length);
        putBytes(bytes);
    }

    void putText(String text) {
        putBinary(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A packet of a fixed header and a Packet Identifier. */
    void putShort(int firstByte, int packetId) {
        makeRoom(4);
        array[length++] = (byte) firstByte;
        array[length++] = 2;
        array[length++] = (byte) (packetId >> 8);
        array[length++] = (byte) packetId;
    }

    private void makeRoom(int more) {
        if (more > array.length - length) grow(more);
    }

    private void grow(int more) {
        var needed = Math.addExact(length, more);
        array = Arrays.copyOf(
                array, Math.max(SMALLEST, Math.max(needed, (int) Math.min(2L * length, Integer.MAX_VALUE - 8))));
    }
}

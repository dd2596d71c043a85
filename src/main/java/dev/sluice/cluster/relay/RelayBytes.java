package dev.sluice.cluster.relay;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * Owns bytes that are being written; its static methods read them back from a buffer, and throw {@link BufferUnderflowException} where there are
 * too few. Used by one thread.
 */
final class RelayBytes {
    private static final int FIRST = 128;

    private ByteBuffer out = ByteBuffer.allocate(FIRST);

    RelayBytes oneByte(int value) {
        room(1).put((byte) value);
        return this;
    }

    RelayBytes flag(boolean value) {
        return oneByte(value ? 1 : 0);
    }

    RelayBytes count(int value) {
        room(4).putInt(value);
        return this;
    }

    RelayBytes number(long value) {
        room(8).putLong(value);
        return this;
    }

    RelayBytes bytes(byte[] bytes) {
        return count(bytes.length).rest(bytes);
    }

    /** The bytes alone: how many they are has to follow from the end. */
    RelayBytes rest(byte[] bytes) {
        room(bytes.length).put(bytes);
        return this;
    }

    RelayBytes text(String text) {
        return bytes(text.getBytes(StandardCharsets.UTF_8));
    }

    RelayBytes textOrNull(String text) {
        return text == null ? flag(false) : flag(true).text(text);
    }

    RelayBytes texts(List<String> texts) {
        return list(texts, (text, to) -> to.text(text));
    }

    <T> RelayBytes list(List<T> list, BiConsumer<T, RelayBytes> write) {
        count(list.size());
        for (var each : list) write.accept(each, this);
        return this;
    }

    byte[] toByteArray() {
        var bytes = new byte[out.position()];
        out.get(0, bytes);
        return bytes;
    }

    private ByteBuffer room(int bytes) {
        if (out.remaining() < bytes) {
            var larger = ByteBuffer.allocate(Math.max(2 * out.capacity(), Math.addExact(out.position(), bytes)));
            out = larger.put(out.flip());
        }
        return out;
    }

    static boolean flag(ByteBuffer in) {
        return in.get() != 0;
    }

    static byte[] bytes(ByteBuffer in) {
        var bytes = new byte[size(in, in.getInt())];
        in.get(bytes);
        return bytes;
    }

    static byte[] rest(ByteBuffer in) {
        var bytes = new byte[in.remaining()];
        in.get(bytes);
        return bytes;
    }

    static String text(ByteBuffer in) {
        return new String(bytes(in), StandardCharsets.UTF_8);
    }

    static String textOrNull(ByteBuffer in) {
        return flag(in) ? text(in) : null;
    }

    static List<String> texts(ByteBuffer in) {
        return list(in, RelayBytes::text);
    }

    static <T> List<T> list(ByteBuffer in, Function<ByteBuffer, T> read) {
        var size = size(in, in.getInt()); // each has a byte at least
        var list = new ArrayList<T>(Math.min(size, 1000));
        for (int i = 0; i < size; i++) list.add(read.apply(in));
        return list;
    }

    private static int size(ByteBuffer in, int size) {
        if (size < 0 || size > in.remaining()) throw new BufferUnderflowException();
        return size;
    }
}

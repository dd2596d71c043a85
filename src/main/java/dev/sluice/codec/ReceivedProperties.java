package dev.sluice.codec;

import dev.sluice.packet.Properties;
import java.nio.ByteBuffer;

/**
 * Owns the last properties of the PUBLISHes of one connection, so that a device that repeats the same few costs neither a check
 * nor an allocation for them, and finds all that was derived from them by their identity. Confined to its connection's event loop.
 */
final class ReceivedProperties {
    private static final int REMEMBERED = 2;
    private static final int LONGEST_REMEMBERED = 512;

    private record Remembered(byte[] bytes, Properties properties) {}

    private final InputBounds bounds;
    private final Remembered[] last = new Remembered[REMEMBERED];
    private int oldest;

    ReceivedProperties(InputBounds bounds) {
        this.bounds = bounds;
    }

    /** Reads the Property Length and what it covers. */
    Properties read(ByteBuffer in) {
        var length = VariableByteInteger.read(in);
        if (length == 0) return Properties.NONE;
        Wire.need(in, length);
        for (var known : last) {
            if (known == null) break;
            if (Wire.isNext(in, known.bytes, length)) {
                in.position(in.position() + length);
                return known.properties;
            }
        }
        if (length > LONGEST_REMEMBERED) return PropertiesReader.read(PropertyPlace.PUBLISH, in, length, bounds);
        var start = in.position();
        var properties = PropertiesReader.read(PropertyPlace.PUBLISH, in, length, bounds);
        in.position(start);
        last[oldest] = new Remembered(Wire.bytes(in, length), properties);
        oldest = (oldest + 1) % REMEMBERED;
        return properties;
    }
}

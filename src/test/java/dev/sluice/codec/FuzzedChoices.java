package dev.sluice.codec;

import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;

/**
 * Owns the choices that {@link RandomPackets} makes from the fuzzer's bytes: one byte is one choice, so that a mutated
 * byte is another correct packet, whose lengths agree. Ends in the last alternative of each choice. One thread.
 */
final class FuzzedChoices implements RandomGenerator {
    private final ByteBuffer data;

    FuzzedChoices(ByteBuffer data) {
        this.data = data;
    }

    boolean hasRemaining() {
        return data.hasRemaining();
    }

    @Override
    public int nextInt(int bound) {
        return (int) nextLong(0, bound);
    }

    @Override
    public int nextInt(int origin, int bound) {
        return (int) nextLong(origin, bound);
    }

    @Override
    public long nextLong(long origin, long bound) {
        var range = bound - origin;
        var value = 0L;
        for (long reached = 1; reached < range; reached <<= 8) {
            if (!data.hasRemaining()) return bound - 1;
            value = value << 8 | data.get() & 0xFF;
        }
        return origin + value % range;
    }

    @Override
    public boolean nextBoolean() {
        return nextInt(2) == 0;
    }

    @Override
    public long nextLong() {
        return data.hasRemaining() ? data.get() : 0;
    }
}

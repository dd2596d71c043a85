package dev.sluice.broker;

import dev.sluice.codec.PacketBuffer;
import java.util.ArrayDeque;

/** Owns the buffers that connections of one event loop write packets to; confined to that loop. */
final class PacketBuffers {
    private static final int POOLED = 64;
    private static final int POOLED_SIZE = 16 * 1024;

    private final ArrayDeque<PacketBuffer> free = new ArrayDeque<>();

    PacketBuffer take() {
        var buffer = free.poll();
        return buffer == null ? new PacketBuffer() : buffer;
    }

    void giveBack(PacketBuffer buffer) {
        if (free.size() >= POOLED || buffer.array().length > POOLED_SIZE) return;
        buffer.clear();
        free.push(buffer);
    }
}

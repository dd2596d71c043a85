package dev.sluice.broker;

import dev.sluice.codec.InputBounds;
import dev.sluice.codec.MqttFault;
import dev.sluice.packet.ReasonCode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * Counts the memory of packets that have not arrived whole, of all connections together, and bounds it: above, the connection ends
 * whose packet began first, for an honest packet is soon whole. Any thread may use it.
 */
final class PartialPackets {
    /** What a connection holds below is not counted: most packets that come in pieces are small. */
    private static final int SMALL = 4096;

    private static final String KEY = "partial-packet-bytes-in-all";

    private final long most;
    /** In the order in which the packets began. */
    private final LinkedHashMap<Runnable, Integer> held = new LinkedHashMap<>();

    private long bytes;

    /** @param most bytes in all */
    PartialPackets(long most, int maximumPacketSize) {
        if (most < maximumPacketSize)
            throw new IllegalArgumentException("sluice.mqtt." + KEY + ": is " + most
                    + ", and has to be sluice.mqtt.maximum-packet-size, " + maximumPacketSize + ", or more");
        this.most = most;
    }

    /** What of this memory counts. */
    static int counted(int memory) {
        return memory < SMALL ? 0 : memory;
    }

    /**
     * Notes what a connection holds now, {@link #counted}; 0 when its packet is whole, or given up.
     *
     * @param giveUp stands for the connection, always the same; runs on any thread if the connection has to go
     */
    void note(Runnable giveUp, int size) {
        hold(giveUp, size).forEach(Runnable::run);
    }

    /** Returns those that have to go. */
    private synchronized List<Runnable> hold(Runnable giveUp, int size) {
        var before = size == 0 ? held.remove(giveUp) : held.put(giveUp, size);
        bytes += size - (before == null ? 0 : before);
        if (bytes <= most) return List.of();
        var late = new ArrayList<Runnable>(1);
        while (bytes > most) {
            var first = held.pollFirstEntry();
            bytes -= first.getValue();
            late.add(first.getKey());
        }
        return late;
    }

    /** Of a connection that has to go. */
    MqttFault fault() {
        return InputBounds.fault(
                ReasonCode.QUOTA_EXCEEDED,
                KEY,
                "more than " + most + " bytes are held of packets that are not whole, and this one began first");
    }

    synchronized long bytes() {
        return bytes;
    }
}

package dev.sluice.broker;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * Counts the memory of one kind of input that has not arrived whole, of all connections together, and bounds it: above, the connection has to
 * go whose input began first, for that of an honest client is soon whole. Any thread may use it.
 */
public final class PartialInput {
    /** What a connection holds below is not counted: most input that comes in pieces is small. */
    private static final int SMALL = 4096;

    private final long most;
    /** In the order in which the input began. */
    private final LinkedHashMap<Runnable, Integer> held = new LinkedHashMap<>();

    private long bytes;

    /** @param most bytes in all */
    public PartialInput(long most) {
        this.most = most;
    }

    /** What of this memory counts. */
    public static int counted(int memory) {
        return memory < SMALL ? 0 : memory;
    }

    /**
     * Notes what a connection holds now, {@link #counted}; 0 when its input is whole, or given up.
     *
     * @param giveUp stands for the connection, always the same; runs on any thread if the connection has to go
     */
    public void note(Runnable giveUp, int size) {
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

    public synchronized long bytes() {
        return bytes;
    }
}

package dev.sluice.tools;

import java.util.Arrays;
import java.util.stream.IntStream;

/** The last records of one client, 24 bytes for each: the window in which a message id is not used again; for one thread. */
final class RecentRecords {
    static final int WINDOW = 65_535;

    private static final int NONE = -1;

    // By place: what the record carries, and the next place of the chain. Only the latest record of a message is in a
    // chain.
    private long[] messages = new long[16];
    private int[] epochs = new int[16];
    private int[] numbers = new int[16];
    private int[] next = new int[16];
    /** The first place of each chain. */
    private int[] heads = emptyHeads(16);

    private int size;
    private int oldest;

    private static int[] emptyHeads(int size) {
        var heads = new int[size];
        Arrays.fill(heads, NONE);
        return heads;
    }

    /** Whether the latest record of this message has another epoch. */
    boolean hasFromAnotherEpoch(long message, long epoch) {
        var place = find(message);
        return place != NONE && epochs[place] != (int) epoch;
    }

    /** Whether there is a record of this message with the same epoch and number. Looks at every record. */
    boolean has(long message, long epoch, long number) {
        for (var place = 0; place < size; place++) {
            if (messages[place] == message && epochs[place] == (int) epoch && numbers[place] == (int) number) {
                return true;
            }
        }
        return false;
    }

    void add(long message, long epoch, long number) {
        if (size == messages.length && size < WINDOW) {
            grow();
        }
        var before = find(message);
        if (before != NONE) {
            unlink(before);
        }
        var place = size < messages.length ? size++ : giveUpOldest();
        messages[place] = message;
        epochs[place] = (int) epoch;
        numbers[place] = (int) number;
        link(place);
    }

    private int giveUpOldest() {
        var place = oldest;
        unlink(place);
        oldest = (oldest + 1) % WINDOW;
        return place;
    }

    private void grow() {
        var capacity = Math.min(2 * messages.length, WINDOW);
        var linked = linked();
        messages = Arrays.copyOf(messages, capacity);
        epochs = Arrays.copyOf(epochs, capacity);
        numbers = Arrays.copyOf(numbers, capacity);
        next = new int[capacity];
        heads = emptyHeads(capacity);
        for (var place : linked) {
            link(place);
        }
    }

    private int[] linked() {
        return IntStream.range(0, size)
                .filter(place -> find(messages[place]) == place)
                .toArray();
    }

    private int find(long message) {
        for (var place = heads[chain(message)]; place != NONE; place = next[place]) {
            if (messages[place] == message) {
                return place;
            }
        }
        return NONE;
    }

    private void link(int place) {
        var chain = chain(messages[place]);
        next[place] = heads[chain];
        heads[chain] = place;
    }

    /** Does nothing for a record that a later one of its message has replaced. */
    private void unlink(int place) {
        var chain = chain(messages[place]);
        if (heads[chain] == place) {
            heads[chain] = next[place];
            return;
        }
        for (var before = heads[chain]; before != NONE; before = next[before]) {
            if (next[before] == place) {
                next[before] = next[place];
                return;
            }
        }
    }

    private int chain(long message) {
        return Math.floorMod(Long.hashCode(message), heads.length);
    }
}

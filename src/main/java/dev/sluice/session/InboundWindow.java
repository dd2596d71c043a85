package dev.sluice.session;

import dev.sluice.packet.ReasonCode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The PUBLISHes of one QoS that were accepted and not yet answered, in the order received; confined to the connection's
 * event loop. Kafka may answer out of order, the client is answered in order [MQTT-4.6.0-2] [MQTT-4.6.0-3].
 */
final class InboundWindow {
    /** Receives the answers that are due. */
    @FunctionalInterface
    interface Answer {
        void answer(int packetId, ReasonCode outcome, String why);
    }

    private static final int FIRST_CAPACITY = 8;
    /** How many are looked through one by one; above, they are found by a map. */
    private static final int SEARCHED = 64;

    // A ring whose capacity is a power of two; most clients never need more than the first one.
    private int[] packetIds;
    private ReasonCode[] outcomes;
    private String[] whys;
    /** Counts on without end; the slot is what the capacity leaves of it. */
    private int head;

    private int size;
    /** The places of all, counted like the head; null while they are few. */
    private Map<Integer, Integer> places;

    int size() {
        return size;
    }

    boolean contains(int packetId) {
        return find(packetId) >= 0;
    }

    void admit(int packetId) {
        if (packetIds == null || size == packetIds.length) grow();
        var slot = head + size & packetIds.length - 1;
        packetIds[slot] = packetId;
        outcomes[slot] = null;
        whys[slot] = null;
        if (places != null) places.put(packetId, head + size);
        size++;
        if (places == null && size > SEARCHED) index();
    }

    private void index() {
        places = new HashMap<>();
        for (int i = 0; i < size; i++) places.put(packetIds[head + i & packetIds.length - 1], head + i);
    }

    /** Notes an outcome and passes on every answer that no earlier PUBLISH holds back. */
    void settle(int packetId, ReasonCode outcome, String why, Answer answer) {
        var settled = find(packetId);
        if (settled < 0) return;
        outcomes[settled] = outcome;
        whys[settled] = why;
        while (size > 0 && outcomes[head & packetIds.length - 1] != null) {
            var slot = head & packetIds.length - 1;
            head++;
            size--;
            if (places != null) places.remove(packetIds[slot]);
            answer.answer(packetIds[slot], outcomes[slot], whys[slot]);
        }
        if (size == 0) places = null;
    }

    /** Returns the slot, -1 for none. */
    private int find(int packetId) {
        if (places != null) {
            var place = places.get(packetId);
            return place == null ? -1 : place & packetIds.length - 1;
        }
        for (int i = 0; i < size; i++) {
            var slot = head + i & packetIds.length - 1;
            if (packetIds[slot] == packetId) return slot;
        }
        return -1;
    }

    private void grow() {
        var old = packetIds == null ? 0 : packetIds.length;
        var ids = new int[Math.max(FIRST_CAPACITY, old * 2)];
        var results = Arrays.copyOf(new ReasonCode[0], ids.length);
        var sentences = Arrays.copyOf(new String[0], ids.length);
        for (int i = 0; i < size; i++) {
            var from = head + i & old - 1;
            var to = head + i & ids.length - 1;
            ids[to] = packetIds[from];
            results[to] = outcomes[from];
            sentences[to] = whys[from];
        }
        packetIds = ids;
        outcomes = results;
        whys = sentences;
    }
}

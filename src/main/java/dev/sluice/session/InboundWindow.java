package dev.sluice.session;

import dev.sluice.packet.ReasonCode;
import java.util.Arrays;

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

    // A ring whose capacity is a power of two; most clients never need more than the first one.
    private int[] packetIds;
    private ReasonCode[] outcomes;
    private String[] whys;
    private int head;
    private int size;

    int size() {
        return size;
    }

    boolean contains(int packetId) {
        return find(packetId) >= 0;
    }

    void admit(int packetId) {
        if (packetIds == null || size == packetIds.length) grow();
        var slot = head + size++ & packetIds.length - 1;
        packetIds[slot] = packetId;
        outcomes[slot] = null;
        whys[slot] = null;
    }

    /** Notes an outcome and passes on every answer that no earlier PUBLISH holds back. */
    void settle(int packetId, ReasonCode outcome, String why, Answer answer) {
        var settled = find(packetId);
        if (settled < 0) return;
        outcomes[settled] = outcome;
        whys[settled] = why;
        while (size > 0 && outcomes[head] != null) {
            var slot = head;
            head = head + 1 & packetIds.length - 1;
            size--;
            answer.answer(packetIds[slot], outcomes[slot], whys[slot]);
        }
    }

    private int find(int packetId) {
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
            var slot = head + i & old - 1;
            ids[i] = packetIds[slot];
            results[i] = outcomes[slot];
            sentences[i] = whys[slot];
        }
        packetIds = ids;
        outcomes = results;
        whys = sentences;
        head = 0;
    }
}

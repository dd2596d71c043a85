package dev.sluice.session;

import dev.sluice.packet.Packet;
import java.util.Arrays;
import java.util.SortedMap;

/**
 * The QoS 2 PUBLISHes that earlier connections of a session have sent and not released; confined to the connection's event loop. Each takes
 * twelve bytes.
 */
final class EarlierPublishes {
    private final PacketIds waiting = new PacketIds();
    /** Ascending. */
    private final int[] packetIds;

    private final long[] checksums;

    /** @param notes by packet identifier */
    EarlierPublishes(SortedMap<Integer, String> notes) {
        packetIds = notes.keySet().stream().mapToInt(Integer::intValue).toArray();
        checksums = notes.values().stream().mapToLong(Repeat::checksum).toArray();
        notes.keySet().forEach(waiting::add);
    }

    int size() {
        return waiting.size();
    }

    void remove(int packetId) {
        waiting.remove(packetId);
    }

    /**
     * Returns whether a PUBLISH has the identifier of an earlier one and is another message: its client keeps the session and has lost what it
     * knew of it. DUP does not tell: some libraries forget it, and a message that was lost on its way bears it although nobody has taken it.
     */
    boolean isReplacedBy(Packet.Publish publish) {
        if (!waiting.contains(publish.packetId())) return false;
        var earlier = checksums[Arrays.binarySearch(packetIds, publish.packetId())];
        return earlier != Repeat.UNKNOWN && earlier != Repeat.checksum(publish);
    }
}

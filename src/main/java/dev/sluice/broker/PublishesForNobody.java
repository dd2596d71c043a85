package dev.sluice.broker;

import java.util.HashSet;
import java.util.Set;

/**
 * Packet identifiers of QoS 2 messages that subscribers do not get: Kafka has them as dead letters, or they are tokens. Confined to the
 * connection's event loop.
 */
final class PublishesForNobody {
    private Set<Integer> packetIds = Set.of();

    void note(int packetId) {
        if (packetIds.isEmpty()) packetIds = new HashSet<>();
        packetIds.add(packetId);
    }

    /** Whether one was noted, which is forgotten with that. */
    boolean take(int packetId) {
        return !packetIds.isEmpty() && packetIds.remove(packetId);
    }
}

package dev.sluice.uplink;

import dev.sluice.uplink.producer.Standstill;
import java.util.Set;

/**
 * What Kafka says of one of its topics. Immutable.
 *
 * @param partitions 0 if Kafka has no such topic, or does not let the gateway describe it
 * @param writable the partitions that can take a record now: there is a leader, and enough replicas are in sync
 */
record TopicState(int partitions, Set<Integer> writable) {
    static final TopicState MISSING = new TopicState(0, Set.of());

    boolean isMissing() {
        return partitions == 0;
    }

    /** Whether nothing in Kafka is against what waits there. */
    boolean couldTake(Standstill still) {
        if (isMissing()) return false;
        return still.partition() == Standstill.ANY
                ? writable.size() == partitions
                : writable.contains(still.partition());
    }
}

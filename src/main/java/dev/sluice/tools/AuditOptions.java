package dev.sluice.tools;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What an audit is to read and to show; immutable.
 *
 * @param clientIds empty for all clients
 */
public record AuditOptions(
        List<String> kafkaTopics,
        Set<String> clientIds,
        boolean all,
        boolean json,
        boolean allowTruncated,
        Optional<Instant> since) {
    /** Of one Kafka topic, everything else as it is by default. */
    public static AuditOptions of(String kafkaTopic) {
        return new AuditOptions(List.of(kafkaTopic), Set.of(), false, false, false, Optional.empty());
    }
}

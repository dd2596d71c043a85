package dev.sluice.downlink;

import dev.sluice.clock.Repeating;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.jboss.logging.Logger;

/**
 * Looks again and again at what a consumer does not see of its partitions: which topic they belong to, whether they have a leader, and
 * what is behind a transaction that is open. One virtual thread looks; any may read.
 */
final class PartitionWatch {
    private static final Logger LOG = Logger.getLogger(PartitionWatch.class);
    private static final Duration INTERVAL = Duration.ofSeconds(2);
    private static final Duration TIMEOUT = Duration.ofSeconds(3);

    private final Map<String, Object> config;
    private final Repeating watch = Repeating.onVirtualThread("sluice-downlink-partitions");
    private volatile Set<TopicPartition> watched = Set.of();
    private volatile Look look = new Look(System.nanoTime(), Map.of());
    /** Null until it is needed. */
    private volatile Admin admin;

    /**
     * What one look has shown. Immutable.
     *
     * @param begunAt the JVM's nanoseconds
     * @param partitions without those of which Kafka says nothing
     */
    record Look(long begunAt, Map<TopicPartition, Seen> partitions) {}

    /**
     * One partition.
     *
     * @param stable the first offset that an open transaction keeps from consumers, or the end; {@link Progress#NOTHING} where no broker
     *     says
     * @param end the offset that the next record gets; {@link Progress#NOTHING} where no broker says
     */
    record Seen(Uuid topicId, boolean hasLeader, long stable, long end) {
        boolean isKnown() {
            return stable != Progress.NOTHING && end != Progress.NOTHING;
        }
    }

    PartitionWatch(Map<String, Object> kafkaConfig) {
        this.config = new HashMap<>(kafkaConfig);
        this.config.put(AdminClientConfig.CLIENT_ID_CONFIG, "sluice-downlink-partitions");
        this.config.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        this.config.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
    }

    void start() {
        watch.start(() -> {
            if (!watched.isEmpty()) take();
            return INTERVAL;
        });
    }

    void stop() {
        watch.stop();
        var current = admin;
        if (current != null) current.close(Duration.ZERO);
    }

    /** The partitions to look at from now on. */
    void watch(Set<TopicPartition> partitions) {
        watched = Set.copyOf(partitions);
    }

    /** The last look. */
    Look look() {
        return look;
    }

    private void take() throws InterruptedException {
        try {
            if (admin == null) admin = Admin.create(config);
            var begunAt = System.nanoTime();
            look = new Look(begunAt, look(watched));
        } catch (KafkaException away) {
            LOG.debug("nothing is seen of the downlink's partitions", away);
        }
    }

    private Map<TopicPartition, Seen> look(Set<TopicPartition> partitions) throws InterruptedException {
        var seen = new HashMap<TopicPartition, Seen>();
        var topics = partitions.stream().map(TopicPartition::topic).collect(Collectors.toSet());
        for (var topic : admin.describeTopics(topics).topicNameValues().values()) {
            answer(topic).ifPresent(description -> description.partitions().forEach(it -> {
                var partition = new TopicPartition(description.name(), it.partition());
                var hasLeader = it.leader() != null && !it.leader().isEmpty();
                if (partitions.contains(partition))
                    seen.put(partition, new Seen(description.topicId(), hasLeader, Progress.NOTHING, Progress.NOTHING));
            }));
        }
        lookAtEnds(seen);
        return Map.copyOf(seen);
    }

    private void lookAtEnds(Map<TopicPartition, Seen> seen) throws InterruptedException {
        var led = new HashSet<TopicPartition>();
        seen.forEach((partition, it) -> {
            if (it.hasLeader()) led.add(partition);
        });
        var ends = ends(led, IsolationLevel.READ_UNCOMMITTED);
        var stable = ends(led, IsolationLevel.READ_COMMITTED);
        for (var partition : led) {
            var end = offset(ends.partitionResult(partition));
            var from = offset(stable.partitionResult(partition));
            seen.computeIfPresent(partition, (_, it) -> new Seen(it.topicId(), true, from, end));
        }
    }

    private ListOffsetsResult ends(Set<TopicPartition> partitions, IsolationLevel isolation) {
        var latest = partitions.stream().collect(Collectors.toMap(it -> it, _ -> OffsetSpec.latest()));
        return admin.listOffsets(latest, new ListOffsetsOptions(isolation));
    }

    private static long offset(KafkaFuture<ListOffsetsResult.ListOffsetsResultInfo> future)
            throws InterruptedException {
        return answer(future)
                .map(ListOffsetsResult.ListOffsetsResultInfo::offset)
                .orElse(Progress.NOTHING);
    }

    private static <T> Optional<T> answer(KafkaFuture<T> future) throws InterruptedException {
        try {
            return Optional.of(future.get(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS));
        } catch (ExecutionException | TimeoutException unknown) {
            LOG.debug("Kafka does not say what is with a partition of the downlink", unknown);
            return Optional.empty();
        }
    }
}

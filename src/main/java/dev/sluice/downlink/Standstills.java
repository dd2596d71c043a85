package dev.sluice.downlink;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * Owns the partitions that stand still in front of a batch that cannot be read, and when each is tried again. Confined to the
 * downlink's thread, except for {@link #sentences}.
 */
final class Standstills {
    private static final Logger LOG = Logger.getLogger(Standstills.class);
    private static final Duration UNTIL_TRIED_AGAIN = Duration.ofSeconds(5);
    private static final Duration UNTIL_TOLD_AGAIN = Duration.ofMinutes(1);

    private final Map<TopicPartition, Standstill> standstills = new HashMap<>();
    /** Those of partitions that were taken away: when they come back, their batches are counted and told already. */
    private final Map<TopicPartition, Standstill> left = new HashMap<>();

    private volatile Map<String, String> sentences = Map.of();

    private record Standstill(UnreadableBatch batch, long tryAt, long tellAt) {}

    /** False if it was known. */
    boolean add(UnreadableBatch batch) {
        var now = System.nanoTime();
        var known = standstills.getOrDefault(batch.partition(), left.remove(batch.partition()));
        var isNew = known == null || known.batch().first() != batch.first();
        var told = isNew || now - known.tellAt() >= 0;
        var tellAt = told ? now + UNTIL_TOLD_AGAIN.toNanos() : known.tellAt();
        standstills.put(batch.partition(), new Standstill(batch, now + UNTIL_TRIED_AGAIN.toNanos(), tellAt));
        if (told) tell(batch);
        publish();
        return isNew;
    }

    private static void tell(UnreadableBatch batch) {
        LOG.errorf(
                "a partition of the downlink stands still, and is tried again every %d s: %s. %s. To go on without these records, %s",
                UNTIL_TRIED_AGAIN.toSeconds(),
                batch,
                batch.cause().advice(),
                batch.hasEnd()
                        ? "set sluice.downlink.unreadable=dead-letter"
                        : "delete the partition's records up to an offset behind them with kafka-delete-records.sh");
    }

    /** Returns whether it is too early to try it again. */
    boolean isResting(TopicPartition partition) {
        var standstill = standstills.get(partition);
        return standstill != null && System.nanoTime() - standstill.tryAt() < 0;
    }

    /** A record of the partition has come. */
    void passed(TopicPartition partition, long offset) {
        var standstill = standstills.get(partition);
        if (standstill == null || offset < standstill.batch().first()) return;
        LOG.infof("%s goes on at offset %d", partition, offset);
        drop(partition);
    }

    /** After a poll that has not failed: where a partition's records were deleted up to its end, no record comes to tell. */
    void polled(ToLongFunction<TopicPartition> position) {
        for (var standstill : List.copyOf(standstills.values())) {
            var partition = standstill.batch().partition();
            if (!isResting(partition)) passed(partition, position.applyAsLong(partition) - 1);
        }
    }

    private void drop(TopicPartition partition) {
        if (standstills.remove(partition) != null) publish();
    }

    /** The partition is another replica's now, perhaps for a moment only. */
    void lost(TopicPartition partition) {
        var standstill = standstills.get(partition);
        if (standstill != null) left.put(partition, standstill);
        drop(partition);
    }

    boolean has(TopicPartition partition) {
        return standstills.containsKey(partition);
    }

    boolean isEmpty() {
        return standstills.isEmpty();
    }

    private void publish() {
        sentences = standstills.entrySet().stream()
                .collect(Collectors.toMap(
                        it -> it.getKey().toString(),
                        it -> "stands still: " + it.getValue().batch(),
                        (one, _) -> one,
                        TreeMap::new));
    }

    /** Returns a sentence for each partition, by its name. From any thread. */
    Map<String, String> sentences() {
        return sentences;
    }
}

package dev.sluice.uplink.spool;

import dev.sluice.store.journal.SpoolRow;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.record.PartitionChoice;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.KafkaException;

/**
 * Owns what the drain of one stripe passes over: partitions that take nothing for now. All records of a key go to one partition, so whoever
 * holds it back for as long as a pass from the front of the stripe to its end keeps their order. Confined to the stripe's thread.
 */
final class HeldBack {
    private final UplinkProducer producer;
    private final long spreadSeed = System.nanoTime();
    /** Records that the producer has, and that Kafka has not answered in time. */
    private final List<SpooledRecord> late = new ArrayList<>();
    /** Of this pass. */
    private final Set<TopicPartitionRef> ways = new HashSet<>();
    /** Partitions of Kafka topics, the same for a whole pass. */
    private final Map<String, Integer> counts = new HashMap<>();

    HeldBack(UplinkProducer producer) {
        this.producer = producer;
    }

    /** Begins at the front again: only the ways of records that are still late are held back. */
    void beginPass() {
        late.removeIf(SpooledRecord::isAnswered);
        counts.clear();
        ways.clear();
        late.forEach(each -> ways.add(each.way()));
    }

    List<SpooledRecord> late() {
        return List.copyOf(late);
    }

    void addLate(SpooledRecord record) {
        late.add(record);
        ways.add(record.way());
    }

    /** For the rest of the pass. */
    void hold(TopicPartitionRef way) {
        ways.add(way);
    }

    boolean holds(TopicPartitionRef way) {
        return ways.contains(way);
    }

    boolean isEmpty() {
        return ways.isEmpty();
    }

    /** The Kafka topics that have late records. */
    Set<String> lateTopics() {
        return late.stream().map(each -> each.way().kafkaTopic()).collect(Collectors.toUnmodifiableSet());
    }

    /** Whether everything that is held back is of these Kafka topics. */
    boolean isOnly(Set<String> kafkaTopics) {
        return ways.stream().allMatch(way -> kafkaTopics.contains(way.kafkaTopic()));
    }

    /** Where a row goes: its partition as the key or the route chooses it; without one, if Kafka does, or has not told how many there are. */
    TopicPartitionRef way(SpoolRow row) {
        var choice = SpoolRecord.choice(row);
        if (row.partition() != null || row.key() == null && choice == null)
            return new TopicPartitionRef(row.kafkaTopic(), row.partition());
        var count = counts.computeIfAbsent(row.kafkaTopic(), this::partitions);
        return new TopicPartitionRef(row.kafkaTopic(), count == 0 ? null : partition(row, choice, count));
    }

    private int partition(SpoolRow row, PartitionChoice choice, int count) {
        if (choice == null) return BuiltInPartitioner.partitionForKey(row.key(), count);
        return choice.of(count, row.recordAt(), spreadSeed);
    }

    private int partitions(String kafkaTopic) {
        try {
            return producer.partitions(kafkaTopic);
        } catch (KafkaException notYet) {
            return 0;
        }
    }
}

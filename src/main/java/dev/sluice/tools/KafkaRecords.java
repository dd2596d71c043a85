package dev.sluice.tools;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads all partitions of some Kafka topics, without a consumer group; confined to one thread. */
public final class KafkaRecords implements AutoCloseable {
    private static final Duration ANSWER_TIME = Duration.ofSeconds(5);
    /** So long may a topic that has more say nothing. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<TopicPartition> partitions = new ArrayList<>();

    private KafkaRecords(Map<String, Object> client) {
        var config = new HashMap<String, Object>(client);
        config.put("isolation.level", "read_committed");
        // A reader leaves no trace, whatever the configuration of others says.
        config.remove("group.id");
        config.put("enable.auto.commit", "false");
        this.consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Stands before the first record of each partition. */
    public static KafkaRecords fromBeginning(String bootstrap, String... kafkaTopics) {
        return fromBeginning(Map.of("bootstrap.servers", bootstrap), List.of(kafkaTopics));
    }

    /** The same with the properties of a Kafka client. */
    static KafkaRecords fromBeginning(Map<String, Object> client, List<String> kafkaTopics) {
        var records = open(client, kafkaTopics);
        records.consumer.seekToBeginning(records.partitions);
        return records;
    }

    /** Stands behind the last record that each partition has now. */
    public static KafkaRecords fromNow(String bootstrap, String... kafkaTopics) {
        return fromNow(Map.of("bootstrap.servers", bootstrap), List.of(kafkaTopics));
    }

    /** The same with the properties of a Kafka client. */
    static KafkaRecords fromNow(Map<String, Object> client, List<String> kafkaTopics) {
        var records = open(client, kafkaTopics);
        records.consumer.endOffsets(records.partitions).forEach(records.consumer::seek);
        return records;
    }

    private static KafkaRecords open(Map<String, Object> client, List<String> kafkaTopics) {
        var bootstrap = client.get("bootstrap.servers");
        var records = new KafkaRecords(client);
        try {
            var known = records.consumer.listTopics(ANSWER_TIME);
            for (var kafkaTopic : kafkaTopics) {
                if (!known.containsKey(kafkaTopic)) {
                    throw new Complaint("Kafka on " + bootstrap + " has no topic '" + kafkaTopic + "'; it has "
                            + String.join(", ", known.keySet().stream().sorted().toList()) + ".");
                }
                known.get(kafkaTopic)
                        .forEach(info -> records.partitions.add(new TopicPartition(kafkaTopic, info.partition())));
            }
            records.consumer.assign(records.partitions);
            return records;
        } catch (TimeoutException e) {
            records.close();
            throw new Complaint(
                    "no Kafka answers on " + bootstrap
                            + ": name another one by --bootstrap or KAFKA_BOOTSTRAP_SERVERS, or correct kafka.security.protocol.",
                    e);
        } catch (RuntimeException e) {
            records.close();
            throw e;
        }
    }

    /** Hands over what has come, waiting a little for something to come. */
    public void poll(Consumer<ConsumerRecord<byte[], byte[]>> sink) {
        consumer.poll(Duration.ofMillis(100)).forEach(sink);
    }

    /** Goes to the first records from this time on. */
    void seek(Instant since) {
        var times = partitions.stream().collect(Collectors.toMap(it -> it, _ -> since.toEpochMilli()));
        var ends = consumer.endOffsets(partitions);
        consumer.offsetsForTimes(times)
                .forEach((partition, found) ->
                        consumer.seek(partition, found == null ? ends.get(partition) : found.offset()));
    }

    List<TopicPartition> partitions() {
        return partitions;
    }

    /** The partitions whose first records retention has deleted. */
    public Set<TopicPartition> truncated() {
        return consumer.beginningOffsets(partitions).entrySet().stream()
                .filter(beginning -> beginning.getValue() > 0)
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    /** Hands over every record up to the end that the partitions have now, and none behind it. */
    public void readToEnd(Consumer<ConsumerRecord<byte[], byte[]>> sink) {
        var ends = consumer.endOffsets(partitions);
        var missing = missing(ends);
        for (var since = System.nanoTime(); missing > 0; ) {
            poll(record -> {
                if (record.offset() < ends.get(new TopicPartition(record.topic(), record.partition()))) {
                    sink.accept(record);
                }
            });
            var before = missing;
            missing = missing(ends);
            if (missing < before) since = System.nanoTime();
            else if (System.nanoTime() - since > PATIENCE.toNanos())
                throw new Complaint("Kafka has not answered for " + PATIENCE.toSeconds() + " s, with " + missing
                        + " records still to read.");
        }
    }

    /** Offsets between where we are and these ends. */
    private long missing(Map<TopicPartition, Long> ends) {
        return ends.entrySet().stream()
                .mapToLong(end -> Math.max(0, end.getValue() - consumer.position(end.getKey())))
                .sum();
    }

    @Override
    public void close() {
        consumer.close();
    }
}

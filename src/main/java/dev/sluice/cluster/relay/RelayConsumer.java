package dev.sluice.cluster.relay;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * One life of the Kafka consumer that reads the board and this gateway's mailbox: in no group, and without commits. Confined to the relay's
 * thread, except for {@link #wakeup}.
 */
final class RelayConsumer implements AutoCloseable {
    private static final int BOARD = 0;
    private static final Duration TIMEOUT = Duration.ofSeconds(3);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<TopicPartition> partitions;
    /** From where it is read next; outlives the consumer. */
    private final Map<TopicPartition, Long> positions;

    /** Takes a record; does not throw. */
    @FunctionalInterface
    interface Reader {
        void take(boolean isBoard, byte[] record);
    }

    /** @param positions where an earlier one has ended; empty to begin with what comes from now on */
    RelayConsumer(Map<String, Object> kafkaConfig, String topic, int mailbox, Map<TopicPartition, Long> positions) {
        this.partitions = List.of(new TopicPartition(topic, BOARD), new TopicPartition(topic, mailbox));
        this.positions = positions;
        this.consumer =
                new KafkaConsumer<>(properties(kafkaConfig), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static Map<String, Object> properties(Map<String, Object> kafkaConfig) {
        var properties = new HashMap<>(kafkaConfig);
        properties.put(ConsumerConfig.CLIENT_ID_CONFIG, "sluice-relay");
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 2000);
        properties.put(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, 1);
        properties.remove(ConsumerConfig.GROUP_ID_CONFIG);
        return properties;
    }

    /** Finds out where it begins. */
    void begin() {
        consumer.assign(partitions);
        if (positions.isEmpty()) positions.putAll(consumer.endOffsets(partitions, TIMEOUT));
        positions.forEach(consumer::seek);
    }

    /** Waits until something has come, or for that time, and hands it on. */
    void poll(Duration patience, Reader reader) {
        try {
            for (var record : consumer.poll(patience)) {
                reader.take(record.partition() == BOARD, record.value());
                positions.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
            }
        } catch (WakeupException _) {
            // the gateway stops
        } catch (InvalidOffsetException gone) {
            beginAgain(gone);
            throw gone;
        }
    }

    /** What is there now may be what somebody was acknowledged for, also in a topic that was created again: the next consumer reads all. */
    private void beginAgain(InvalidOffsetException gone) {
        try {
            positions.putAll(consumer.beginningOffsets(gone.partitions(), TIMEOUT));
        } catch (RuntimeException notTold) {
            gone.addSuppressed(notTold); // the next consumer finds it gone, too
        }
    }

    /** From any thread. */
    void wakeup() {
        consumer.wakeup();
    }

    @Override
    public void close() {
        consumer.close(CloseOptions.timeout(Duration.ZERO));
    }
}

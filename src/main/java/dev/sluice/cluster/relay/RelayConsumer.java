package dev.sluice.cluster.relay;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.ClusterResource;
import org.apache.kafka.common.ClusterResourceListener;
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

    /** How often it is looked whether the mailbox may be read again. */
    private static final Duration PAUSE = Duration.ofMillis(10);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Told told = new Told();
    private final List<TopicPartition> partitions;
    private final TopicPartition mailbox;
    private final BooleanSupplier hasRoom;
    private final Check isSameTopic;
    private final RelayMeters meters;
    /** From where it is read next; outlives the consumer. */
    private final Map<TopicPartition, Long> positions;

    /** Whether the mailbox stays unread. */
    private boolean isPaused;

    /** Says something for which it may have to ask Kafka. */
    @FunctionalInterface
    interface Check {
        boolean holds() throws InterruptedException;
    }

    /** Takes a record; does not throw. */
    @FunctionalInterface
    interface Reader {
        void take(boolean isBoard, byte[] record);
    }

    /**
     * Hears, as deserializers do, when Kafka has told about its topics: only then can another one of the same name be in the place of the one
     * that was read, as a fetch names its topic by the id last told. On the consumer's thread.
     */
    private static final class Told extends ByteArrayDeserializer implements ClusterResourceListener {
        private volatile boolean isNew;

        @Override
        public void onUpdate(ClusterResource cluster) {
            isNew = true;
        }
    }

    /**
     * @param positions where an earlier one has ended; empty to begin with what comes from now on
     * @param hasRoom whether there is room for what lies in the mailbox
     * @param isSameTopic whether what has come is of the topic whose positions these are; if not, nothing of it is taken, and this
     *     consumer is over
     */
    RelayConsumer(
            Map<String, Object> kafkaConfig,
            String topic,
            int mailbox,
            Map<TopicPartition, Long> positions,
            BooleanSupplier hasRoom,
            Check isSameTopic,
            RelayMeters meters) {
        this.mailbox = new TopicPartition(topic, mailbox);
        this.partitions = List.of(new TopicPartition(topic, BOARD), this.mailbox);
        this.positions = positions;
        this.hasRoom = hasRoom;
        this.isSameTopic = isSameTopic;
        this.meters = meters;
        this.consumer = new KafkaConsumer<>(properties(kafkaConfig), new ByteArrayDeserializer(), told);
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

    /** Waits until something has come, or for that time, and has it taken. */
    void poll(Duration patience, Reader reader) throws InterruptedException {
        try {
            if (isPaused && hasRoom.getAsBoolean()) goOn();
            var records = consumer.poll(isPaused ? PAUSE : patience);
            if (!records.isEmpty() && isSame()) for (var record : records) take(record, reader);
        } catch (WakeupException _) {
            // the gateway stops
        } catch (InvalidOffsetException gone) {
            beginAgain(gone);
            throw gone;
        }
    }

    private boolean isSame() throws InterruptedException {
        if (!told.isNew) return true;
        told.isNew = false;
        return isSameTopic.holds();
    }

    private void take(ConsumerRecord<byte[], byte[]> record, Reader reader) {
        var isBoard = record.partition() == BOARD;
        if (!isBoard && !isPaused && !hasRoom.getAsBoolean()) pause();
        if (!isBoard && isPaused) return; // it comes again
        reader.take(isBoard, record.value());
        positions.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
    }

    /** The board is read on: nobody waits for this gateway, or takes it for one that is behind. */
    private void pause() {
        isPaused = true;
        consumer.pause(List.of(mailbox));
        consumer.seek(mailbox, positions.get(mailbox));
        meters.paused();
    }

    private void goOn() {
        isPaused = false;
        consumer.resume(List.of(mailbox));
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

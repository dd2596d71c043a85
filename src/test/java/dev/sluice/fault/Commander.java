package dev.sluice.fault;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A backend that sends commands to devices in turn, numbered for each device from 1; a thread of its own. */
final class Commander implements AutoCloseable {
    private static final String KAFKA_TOPIC = "sluice.downlink";

    private final KafkaProducer<byte[], byte[]> producer;
    private final String kafkaTopic;
    private final List<String> topics;
    private final Duration pace;
    private final AtomicIntegerArray acknowledged;
    private final Thread thread = Thread.ofVirtual().name("commander").unstarted(this::run);
    private volatile boolean stopped;
    private volatile Exception failure;

    /** @param topics one for each device; QoS 1 and 2 in turn */
    Commander(String bootstrap, List<String> topics, Duration pace) {
        this(bootstrap, KAFKA_TOPIC, topics, pace);
    }

    Commander(String bootstrap, String kafkaTopic, List<String> topics, Duration pace) {
        this.kafkaTopic = kafkaTopic;
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrap), new ByteArraySerializer(), new ByteArraySerializer());
        this.topics = topics;
        this.pace = pace;
        this.acknowledged = new AtomicIntegerArray(topics.size());
    }

    Commander start() {
        thread.start();
        return this;
    }

    private void run() {
        var next = System.nanoTime();
        for (int number = 1; !stopped; number++) {
            for (int device = 0; device < topics.size() && !stopped; device++) {
                send(device, number);
                next += pace.toNanos();
                LockSupport.parkNanos(next - System.nanoTime());
            }
        }
    }

    private void send(int device, int number) {
        var key = topics.get(device).getBytes(StandardCharsets.US_ASCII);
        var value = (number + " " + System.nanoTime() + " ").getBytes(StandardCharsets.US_ASCII);
        var record = new ProducerRecord<>(kafkaTopic, key, value);
        record.headers().add("mqtt-qos", new byte[] {(byte) (device % 2 == 0 ? '1' : '2')});
        producer.send(record, (_, refused) -> {
            if (refused == null) acknowledged.incrementAndGet(device);
            else failure = refused;
        });
    }

    /** Sends no more; returns when Kafka has everything. */
    void stop() throws Exception {
        stopped = true;
        thread.join();
        producer.flush();
        if (failure != null) throw failure;
    }

    /** Commands sent to a device, once stopped. */
    int sent(int device) {
        return acknowledged.get(device);
    }

    int sent() {
        int sum = 0;
        for (int i = 0; i < topics.size(); i++) sum += sent(i);
        return sum;
    }

    @Override
    public void close() {
        stopped = true;
        producer.close();
    }
}

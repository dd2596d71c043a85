package dev.sluice.conformance;

import dev.sluice.support.Gateway;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What stands behind Kafka and talks to devices. Used by one thread. */
final class Backend implements AutoCloseable {
    static final String DOWNLINK = "sluice.downlink";

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final String bootstrap = Gateway.shared().bootstrap();
    private final KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
            Map.of("bootstrap.servers", bootstrap), new ByteArraySerializer(), new ByteArraySerializer());
    private final AdminClient admin = AdminClient.create(Map.of("bootstrap.servers", bootstrap));

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Sends a command whose key is the MQTT topic. */
    RecordMetadata send(String topic, String text, String... headers) {
        return send(DOWNLINK, utf8(topic), utf8(text), headers);
    }

    /** @param headers names and values in turn */
    RecordMetadata send(String kafkaTopic, byte[] key, byte[] value, String... headers) {
        var all = new RecordHeaders();
        for (int i = 0; i < headers.length; i += 2) all.add(headers[i], utf8(headers[i + 1]));
        return send(new ProducerRecord<>(kafkaTopic, null, null, key, value, all));
    }

    RecordMetadata send(ProducerRecord<byte[], byte[]> record) {
        try {
            return producer.send(record).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The first record like this in a Kafka topic of one partition; waits for it. */
    ConsumerRecord<byte[], byte[]> receive(String kafkaTopic, Predicate<ConsumerRecord<byte[], byte[]>> like) {
        var partition = new TopicPartition(kafkaTopic, 0);
        try (var consumer = consumer()) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            var deadline = System.nanoTime() + PATIENCE.toNanos();
            while (System.nanoTime() < deadline)
                for (var record : consumer.poll(Duration.ofMillis(100))) if (like.test(record)) return record;
        }
        throw new AssertionError("no such record in " + kafkaTopic);
    }

    /** All headers as {@code name=value}, in their order. */
    static List<String> headers(ConsumerRecord<byte[], byte[]> record) {
        var headers = new ArrayList<String>();
        for (var header : record.headers()) headers.add(header.key() + "=" + text(header.value()));
        return headers;
    }

    static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        var header = record.headers().lastHeader(name);
        return header == null ? null : text(header.value());
    }

    static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    /** How far the gateway has committed a partition of its downlink. */
    long committed(RecordMetadata record) {
        var partition = new TopicPartition(record.topic(), record.partition());
        try {
            var offset = admin.listConsumerGroupOffsets("sluice-downlink")
                    .partitionsToOffsetAndMetadata()
                    .get()
                    .get(partition);
            return offset == null ? 0 : offset.offset();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private KafkaConsumer<byte[], byte[]> consumer() {
        return new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrap, "fetch.max.wait.ms", 50),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
    }

    @Override
    public void close() {
        producer.close();
        admin.close();
    }
}

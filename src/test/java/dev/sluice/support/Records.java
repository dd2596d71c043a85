package dev.sluice.support;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What one client's messages have become in a Kafka topic; used by one thread. */
public final class Records {
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    /** How long Kafka keeps a question for records that are not there yet; a consumer does not close before the answer. */
    private static final int FETCH_MILLIS = 10;

    private Records() {}

    /** One record with its headers as text, in the order of the record. */
    public record Record(int partition, String key, Map<String, String> headers, byte[] value, long timestamp) {
        public String header(String name) {
            return headers.get(name);
        }

        public String text() {
            return new String(value, StandardCharsets.UTF_8);
        }
    }

    /** All records of a client that are there once every record acknowledged before this call is there. */
    public static List<Record> of(Gateway gateway, String kafkaTopic, String clientId) {
        return of(gateway, kafkaTopic, clientId, 0);
    }

    /** Waits until there are at least that many; fewer is a failure. */
    public static List<Record> of(Gateway gateway, String kafkaTopic, String clientId, int atLeast) {
        return of(gateway.bootstrap(), kafkaTopic, clientId, atLeast);
    }

    /** The same of any Kafka. */
    public static List<Record> of(String bootstrap, String kafkaTopic, String clientId, int atLeast) {
        var found = new ArrayList<Record>();
        var publisher = clientId.getBytes(StandardCharsets.UTF_8);
        Map<String, Object> config = Map.of(
                "bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "fetch.max.wait.ms", FETCH_MILLIS);
        try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            var partitions = consumer.partitionsFor(kafkaTopic).stream()
                    .map(it -> new TopicPartition(kafkaTopic, it.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            var deadline = System.nanoTime() + PATIENCE.toNanos();
            do {
                var ends = consumer.endOffsets(partitions);
                while (partitions.stream().anyMatch(it -> consumer.position(it) < ends.get(it)))
                    consumer.poll(Duration.ofMillis(50)).forEach(record -> {
                        if (Arrays.equals(publisherOf(record), publisher)) found.add(read(record));
                    });
            } while (found.size() < atLeast && System.nanoTime() < deadline);
        }
        if (found.size() < atLeast) throw new AssertionError(found.size() + " records instead of " + atLeast);
        return found;
    }

    private static byte[] publisherOf(ConsumerRecord<byte[], byte[]> record) {
        var header = record.headers().lastHeader("mqtt-client-id");
        if (header == null) header = record.headers().lastHeader("ce_mqttclientid");
        return header == null ? null : header.value();
    }

    private static Record read(ConsumerRecord<byte[], byte[]> record) {
        var headers = new LinkedHashMap<String, String>();
        for (var header : record.headers()) {
            var before = headers.put(header.key(), text(header.value()));
            if (before != null) headers.put(header.key(), before + "," + text(header.value()));
        }
        return new Record(record.partition(), text(record.key()), headers, record.value(), record.timestamp());
    }

    private static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }
}

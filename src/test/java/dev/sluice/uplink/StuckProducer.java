package dev.sluice.uplink;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.KnownTopics;
import dev.sluice.uplink.producer.UplinkProducer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import jakarta.enterprise.inject.Vetoed;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.errors.TimeoutException;

/** What it has taken is answered at once, or when its partition is there again. Any thread may use it. */
@Vetoed // else the tests that start Quarkus find two
final class StuckProducer extends UplinkProducer {
    private static final int PARTITIONS = 2;

    private record Held(ProducerRecord<byte[], byte[]> record, Callback later) {}

    final Set<String> stuck = ConcurrentHashMap.newKeySet();
    final List<String> taken = new CopyOnWriteArrayList<>();
    final Queue<Held> held = new ConcurrentLinkedQueue<>();

    StuckProducer() {
        super(null, null, null, new KnownTopics(), new SimpleMeterRegistry());
    }

    volatile boolean knowsPartitions = true;
    final Set<Integer> asked = ConcurrentHashMap.newKeySet();

    private static String partition(ProducerRecord<byte[], byte[]> record) {
        var partition = record.partition() != null ? record.partition() : partition(new String(record.key(), UTF_8));
        return record.topic() + "-" + partition;
    }

    static int partition(String key) {
        return BuiltInPartitioner.partitionForKey(key.getBytes(UTF_8), PARTITIONS);
    }

    @Override
    public synchronized Handover hand(ProducerRecord<byte[], byte[]> record, Callback later) {
        if (!knowsPartitions) return Handover.NOT_NOW;
        if (record.partition() != null) asked.add(record.partition());
        if (stuck.contains(partition(record))) held.add(new Held(record, later));
        else take(record, later);
        return Handover.TAKEN;
    }

    private void take(ProducerRecord<byte[], byte[]> record, Callback later) {
        taken.add(record.topic() + " " + new String(record.key(), UTF_8) + " " + new String(record.value(), UTF_8));
        later.onCompletion(null, null);
    }

    /** All partitions take records. */
    synchronized void recover() {
        stuck.clear();
        for (var next = held.poll(); next != null; next = held.poll()) take(next.record, next.later);
    }

    /** Another producer takes its place. */
    synchronized void fail() {
        for (var next = held.poll(); next != null; next = held.poll())
            next.later.onCompletion(null, new DisconnectException("closed"));
    }

    List<String> taken(String kafkaTopic, String key) {
        return taken.stream()
                .filter(it -> it.startsWith(kafkaTopic + " " + key + " "))
                .map(it -> it.substring(it.lastIndexOf(' ') + 1))
                .toList();
    }

    @Override
    public int partitions(String kafkaTopic) {
        if (!knowsPartitions) throw new TimeoutException("no metadata");
        return PARTITIONS;
    }

    @Override
    public void stop() {
        recover();
    }
}

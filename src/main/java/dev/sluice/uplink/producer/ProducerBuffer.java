package dev.sluice.uplink.producer;

import java.time.Duration;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.Metric;

/**
 * Knows how much of {@code buffer.memory} one Kafka producer has left: by the producer's own count, as a partition takes a whole batch of it
 * for its first record, and nobody else knows what compression, repeats and divided batches take. Any thread.
 */
final class ProducerBuffer {
    /** Each look takes the lock of the buffer, so it is not for each record. */
    static final int RECORDS_BETWEEN_LOOKS = 16;

    /** The same for those that may not be handed over: who waits offers them again and again. */
    private static final long BETWEEN_LOOKS = Duration.ofMillis(1).toNanos();

    private final Producer<?, ?> kafka;
    private final Flows flows;
    /** Null before the first look, and for a producer without a buffer. */
    private volatile Metric available;

    private volatile double half;
    private volatile long lookedAt = System.nanoTime();

    ProducerBuffer(Producer<?, ?> kafka, Flows flows) {
        this.kafka = kafka;
        this.flows = flows;
        flows.tellBuffer(false);
    }

    /** Before a record is refused: while none is handed over, nobody else finds soon that there is room again. */
    void lookAgain() {
        if (System.nanoTime() - lookedAt > BETWEEN_LOOKS) look();
    }

    void look() {
        lookedAt = System.nanoTime();
        if (available == null) find();
        var known = available;
        if (known != null) flows.tellBuffer(value(known) < half);
    }

    private void find() {
        var total = metric("buffer-total-bytes");
        if (total == null) return;
        half = value(total) / 2;
        available = metric("buffer-available-bytes");
    }

    private Metric metric(String name) {
        for (var metric : kafka.metrics().entrySet()) if (metric.getKey().name().equals(name)) return metric.getValue();
        return null;
    }

    private static double value(Metric metric) {
        return metric.metricValue() instanceof Number number ? number.doubleValue() : 0;
    }
}

package dev.sluice.downlink;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.TopicPartition;

/** Counts what becomes of records. Any thread may use it. */
final class DownlinkMeters {
    private final Counter delivered;
    private final Counter expired;
    private final Counter undeliverable;
    private final Counter deadLettered;
    private final Counter abandoned;
    private final Timer latency;
    private final AtomicLong lag = new AtomicLong();
    private final AtomicLong inFlight = new AtomicLong();
    private final AtomicLong waiting = new AtomicLong();
    private final AtomicLong lettersWaiting = new AtomicLong();
    private final AtomicLong up = new AtomicLong();
    private final MultiGauge standstills;
    private final Map<UnreadableBatch.Cause, Counter> unreadable = new EnumMap<>(UnreadableBatch.Cause.class);

    /**
     * A partition of which nothing comes.
     *
     * @param behind records that Kafka has and that were not taken
     */
    record Standstill(TopicPartition partition, String reason, long behind) {}

    DownlinkMeters(MeterRegistry meters) {
        for (var cause : UnreadableBatch.Cause.values())
            unreadable.put(
                    cause,
                    Counter.builder("sluice.downlink.unreadable")
                            .description("Records for devices that could not be read, by the cause")
                            .tag("reason", cause.code())
                            .register(meters));
        delivered = records(meters, "delivered");
        expired = records(meters, "expired");
        undeliverable = records(meters, "undeliverable");
        deadLettered = records(meters, "dead_lettered");
        abandoned = records(meters, "abandoned");
        latency = Timer.builder("sluice.downlink.latency")
                .description("From the reading of a record to the last acknowledgement of those that were delivered")
                .serviceLevelObjectives(
                        Duration.ofMillis(5),
                        Duration.ofMillis(25),
                        Duration.ofMillis(100),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(30))
                .register(meters);
        standstills = MultiGauge.builder("sluice.downlink.standstill")
                .description(
                        "Records behind which a partition stands still, by the cause; absent for one that does not")
                .register(meters);
        gauges(meters);
    }

    private void gauges(MeterRegistry meters) {
        Gauge.builder("sluice.downlink.lag", lag, AtomicLong::get)
                .description(
                        "Records of the downlink's Kafka topics that are not done with, in this replica's partitions")
                .register(meters);
        Gauge.builder("sluice.downlink.in.flight", inFlight, AtomicLong::get)
                .description("Records taken from Kafka that are not done with")
                .register(meters);
        Gauge.builder("sluice.downlink.waiting", waiting, AtomicLong::get)
                .description("Of these, those that were taken more than a second ago")
                .register(meters);
        Gauge.builder("sluice.downlink.letters.waiting", lettersWaiting, AtomicLong::get)
                .description("Records that could not be delivered, and of which Kafka does not know yet")
                .register(meters);
        Gauge.builder("sluice.downlink.up", up, AtomicLong::get)
                .description(
                        "1 while the consumer of the downlink's Kafka topics works, and none of its partitions stands still")
                .register(meters);
    }

    private static Counter records(MeterRegistry meters, String outcome) {
        return Counter.builder("sluice.downlink.records")
                .description("Records for devices, by what became of them")
                .tag("outcome", outcome)
                .register(meters);
    }

    void ended(DownlinkRecord command, DownlinkOutcome ending) {
        switch (ending) {
            case DownlinkOutcome.Delivered _ -> {
                delivered.increment();
                latency.record(System.nanoTime() - command.readAt(), TimeUnit.NANOSECONDS);
            }
            case DownlinkOutcome.Expired _ -> expired.increment();
            case DownlinkOutcome.Undeliverable _ -> undeliverable.increment();
            case DownlinkOutcome.Dead _ -> deadLettered.increment();
        }
    }

    /** Kafka does not take the letter about a record. */
    void abandoned() {
        abandoned.increment();
    }

    void unreadable(UnreadableBatch batch) {
        unreadable.get(batch.cause()).increment(batch.records());
    }

    void lag(long records) {
        lag.set(records);
    }

    void waiting(long records) {
        waiting.set(records);
    }

    /** All partitions that stand still. */
    void standstills(List<Standstill> all) {
        standstills.register(all.stream().map(DownlinkMeters::row).toList(), true);
    }

    private static Row<?> row(Standstill one) {
        var tags = Tags.of(
                "kafka_topic",
                one.partition().topic(),
                "partition",
                Integer.toString(one.partition().partition()),
                "reason",
                one.reason());
        return Row.of(tags, one.behind());
    }

    void lettersWaiting(long letters) {
        lettersWaiting.set(letters);
    }

    void up(boolean works) {
        up.set(works ? 1 : 0);
    }

    void inFlight(long records) {
        inFlight.set(records);
    }
}

package dev.sluice.uplink.spool;

import dev.sluice.store.journal.SpoolRow;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Some rows of a stripe on their way to Kafka. Used by the stripe's thread; answered on Kafka's network thread. */
final class SpoolDelivery {
    private final List<SpooledRecord> records;
    private final CountDownLatch missing;

    SpoolDelivery(List<SpoolRow> rows, Function<SpoolRow, TopicPartitionRef> way) {
        missing = new CountDownLatch(rows.size());
        records = rows.stream()
                .map(row -> new SpooledRecord(row, way.apply(row), missing))
                .toList();
    }

    List<SpooledRecord> records() {
        return records;
    }

    List<SpooledRecord> unanswered() {
        return records.stream().filter(record -> !record.isAnswered()).toList();
    }

    /** Waits for the answers; false if some are still missing after that time. */
    boolean await(Duration time) throws InterruptedException {
        return missing.await(time.toNanos(), TimeUnit.NANOSECONDS);
    }
}

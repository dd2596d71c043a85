package dev.sluice.store.journal;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

/** The journal's meters, shared by its lanes; any thread may count. */
record JournalMeters(
        DistributionSummary batch,
        Timer commit,
        Counter fenced,
        Counter refused,
        Counter retries,
        Counter droppedNewest,
        Counter droppedOldest) {
    JournalMeters(MeterRegistry registry) {
        this(
                DistributionSummary.builder("sluice.journal.batch")
                        .description("writes committed together")
                        .register(registry),
                Timer.builder("sluice.journal.commit")
                        .description("time of one batch, from borrowing a connection to its commit")
                        .register(registry),
                Counter.builder("sluice.journal.fenced")
                        .description("writes of sessions that were lost or have ended, and of dead runs")
                        .register(registry),
                Counter.builder("sluice.journal.refused")
                        .description("writes that PostgreSQL refuses")
                        .register(registry),
                Counter.builder("sluice.journal.retries")
                        .description("batches tried again after a passing failure")
                        .register(registry),
                dropped(registry, "newest"),
                dropped(registry, "oldest"));
    }

    private static Counter dropped(MeterRegistry registry, String which) {
        return Counter.builder("sluice.queue.dropped")
                .description("messages that full queues did not take or pushed out")
                .tag("which", which)
                .register(registry);
    }

    void count(JournalWrite write, JournalWrite.Outcome outcome) {
        switch (outcome) {
            case COMMITTED -> {
                if (write instanceof JournalWrite.Accept accept)
                    for (var copy : accept.copies()) if (copy.seq() == Copy.DROPPED) droppedNewest.increment();
            }
            case FENCED, GONE -> fenced.increment();
            case REFUSED -> refused.increment();
        }
    }
}

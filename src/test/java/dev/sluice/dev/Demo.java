package dev.sluice.dev;

import dev.sluice.tools.Audit;
import dev.sluice.tools.AuditOptions;
import dev.sluice.tools.AuditVerdict;
import dev.sluice.tools.KafkaRecords;
import dev.sluice.tools.RecordAudit;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** {@code ./sluice demo}: lets a fleet publish and compares what was acknowledged with what Kafka has; runs on the main thread. */
final class Demo {
    private static final String KAFKA_TOPIC = "fleet.telemetry";
    private static final long PATIENCE_SECONDS = 60;

    private final DemoOptions options;
    private final Running running;
    private final Settings settings;
    private final String run = Long.toString(System.currentTimeMillis(), 36);
    private final Tally tally;
    private final RecordAudit audit;

    private Demo(DemoOptions options, Running running, Settings settings) {
        this.options = options;
        this.running = running;
        this.settings = settings;
        this.tally = new Tally(run, options.devices());
        this.audit = new RecordAudit(clientId -> clientId.endsWith("-" + run));
    }

    static int run(Settings settings, List<String> arguments) {
        if (arguments.contains("--help")) {
            System.out.print(DemoOptions.USAGE);
            return 0;
        }
        var options = DemoOptions.parse(arguments);
        try (var running = new Running(settings, options.gateways())) {
            System.out.println(running.startAll());
            return new Demo(options, running, settings).run() ? 0 : 1;
        }
    }

    /** True if everything that was acknowledged is in Kafka, and the headers of the records prove that there is no gap and no disorder. */
    private boolean run() {
        try (var records = KafkaRecords.fromNow(settings.kafka(), KAFKA_TOPIC);
                var fleet = new Fleet(run, tally)) {
            fleet.connect(settings.port(), options.devices());
            System.out.printf("%d devices connected, run %s%n", options.devices(), run);
            var done = new AtomicBoolean();
            var counting = CompletableFuture.runAsync(() -> count(records, done), Thread::startVirtualThread);
            var sending = CompletableFuture.runAsync(
                    () -> fleet.publish(options.rate(), Duration.ofSeconds(options.seconds())),
                    Thread::startVirtualThread);
            watch(sending);
            done.set(true);
            counting.join();
        }
        var findings = audit.findings();
        var asked = AuditOptions.of(KAFKA_TOPIC);
        System.out.printf("%n%s%naudit %s", tally.table(), Audit.report(findings, asked, 0));
        return tally.lost() == 0
                && tally.acknowledged() > 0
                && AuditVerdict.of(findings, asked).isClean();
    }

    /** Counts until the fleet is done, and then up to the end that the topic has at that moment. */
    private void count(KafkaRecords records, AtomicBoolean done) {
        while (!done.get()) {
            records.poll(this::count);
        }
        records.readToEnd(this::count);
    }

    private void count(ConsumerRecord<byte[], byte[]> record) {
        tally.found(new String(record.value(), StandardCharsets.UTF_8));
        audit.add(record);
    }

    /** Prints a line each second until everything is sent and settled, or the patience for the rest has ended. */
    private void watch(CompletableFuture<Void> sending) {
        var start = System.nanoTime();
        var last = options.seconds() + PATIENCE_SECONDS;
        for (var second = 1; second <= last && !isOver(sending); second++) {
            while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(second) && !isOver(sending)) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
            running.requireAlive();
            System.out.println(tally.progress(second));
        }
    }

    private boolean isOver(CompletableFuture<Void> sending) {
        return sending.isDone() && tally.isSettled();
    }
}

package dev.sluice.store.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.Acknowledge;
import dev.sluice.store.journal.JournalWrite.Outcome;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Messages through durable queues: prints what this machine does and asserts only that it is not absurd. */
@Tag("bench")
class DeliveryThroughputTest {
    private static final int PAIRS = 100;
    private static final int WINDOW = 20;
    private static final int BACKLOG = 20_000;

    private final AtomicInteger failures = new AtomicInteger();
    private StoreRig rig;
    private long[] publishers;
    private long[] subscribers;

    @BeforeEach
    void start() {
        EmbeddedServer.shared().empty();
        rig = new StoreRig(EmbeddedServer.shared(), new StoreRig.Settings(4, 8192, 1024, 500));
        publishers = IntStream.range(0, PAIRS)
                .mapToLong(n -> rig.open("publisher-" + n, true, 0).epoch())
                .toArray();
        subscribers = IntStream.range(0, PAIRS)
                .mapToLong(n -> rig.open("subscriber-" + n, true, 60).epoch())
                .toArray();
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    @Test
    void pairs() throws Exception {
        var message = Messages.message("fleet/truck/telemetry", "x".repeat(100));
        measure("pairs", 40, (pair, round, done) -> accept(pair, message, List.of(pair), done));
    }

    @Test
    void oneForTen() throws Exception {
        var message = Messages.message("fleet/truck/command", "x".repeat(1000));
        measure(
                "one for ten",
                4,
                (pair, round, done) -> accept(
                        pair,
                        message,
                        IntStream.range(0, 10).mapToObj(n -> (pair + n) % PAIRS).toList(),
                        done));
    }

    @Test
    void backlog() throws Exception {
        var message = Messages.message("fleet/truck/telemetry", "x".repeat(100));
        var queued = new CountDownLatch(BACKLOG);
        var start = System.nanoTime();
        for (int n = 0; n < BACKLOG; n++) {
            var publisher = n % PAIRS;
            submitPatiently(accept(publisher, message, copies(List.of(0)), queued::countDown));
        }
        queued.await();
        report("into one queue", BACKLOG, start);

        var acknowledged = new CountDownLatch(BACKLOG);
        start = System.nanoTime();
        var page = new QueueReader.Page(List.of(), true);
        for (long last = 0; page.more(); last = page.rows().getLast().seq()) {
            page = rig.queues.page("subscriber-0", last, 200, 1 << 20);
            for (var row : page.rows()) submitPatiently(acknowledgement(0, row.seq(), acknowledged::countDown));
        }
        acknowledged.await();
        report("out of it, page by page", BACKLOG, start);
        assertThat(failures).hasValue(0);
        assertThat(EmbeddedServer.shared().value("SELECT count(*) FROM queued")).isEqualTo("0");
    }

    private interface Publishing {
        void publish(int pair, int round, Runnable done);
    }

    /** Each publisher has a window of messages under way, each until its last copy is acknowledged, and then the next. */
    private void measure(String what, int rounds, Publishing publishing) throws InterruptedException {
        run(publishing, Math.max(1, rounds / 10));
        var batches = rig.batches();
        var start = System.nanoTime();
        run(publishing, rounds);
        var messages = PAIRS * WINDOW * rounds;
        report(what, messages, start);
        System.out.printf(
                "delivery: %s: %.0f writes a batch%n",
                what, rig.meters.get("sluice.journal.batch").summary().mean());
        assertThat(rig.batches()).isGreaterThan(batches);
        assertThat(failures).hasValue(0);
        assertThat(EmbeddedServer.shared().value("SELECT count(*) FROM queued")).isEqualTo("0");
    }

    private void report(String what, int messages, long start) {
        var rate = messages / ((System.nanoTime() - start) / 1e9);
        System.out.printf("delivery: %s: %,.0f messages/s%n", what, rate);
        assertThat(rate).isGreaterThan(50);
    }

    private void run(Publishing publishing, int rounds) throws InterruptedException {
        var left = new CountDownLatch(PAIRS * WINDOW);
        for (int pair = 0; pair < PAIRS; pair++) for (int n = 0; n < WINDOW; n++) next(publishing, pair, rounds, left);
        left.await();
    }

    private void next(Publishing publishing, int pair, int rounds, CountDownLatch left) {
        if (rounds == 0) left.countDown();
        else publishing.publish(pair, rounds, () -> next(publishing, pair, rounds - 1, left));
    }

    private void accept(int publisher, Message message, List<Integer> receivers, Runnable done) {
        var copies = copies(receivers);
        var left = new AtomicInteger(receivers.size());
        submit(accept(publisher, message, copies, () -> {
            for (int i = 0; i < copies.length; i++)
                acknowledge(receivers.get(i), copies[i].seq(), () -> {
                    if (left.decrementAndGet() == 0) done.run();
                });
        }));
    }

    private Accept accept(int publisher, Message message, Copy[] copies, Runnable done) {
        return Accept.kept(
                "publisher-" + publisher,
                publishers[publisher],
                message,
                Arrays.asList(copies),
                false,
                outcome -> told(outcome, done));
    }

    private static Copy[] copies(List<Integer> receivers) {
        return receivers.stream()
                .map(n -> new Copy("subscriber-" + n, Copy.ANY_SESSION, QoS.AT_LEAST_ONCE, false, List.of(), null))
                .toArray(Copy[]::new);
    }

    private void acknowledge(int subscriber, long seq, Runnable done) {
        submit(acknowledgement(subscriber, seq, done));
    }

    private Acknowledge acknowledgement(int subscriber, long seq, Runnable done) {
        return new Acknowledge(
                "subscriber-" + subscriber, subscribers[subscriber], seq, seq, outcome -> told(outcome, done));
    }

    /** Not on a lane's thread: it waits while the lane is full. */
    private void submitPatiently(JournalWrite write) {
        while (!rig.journal.submit(write)) Thread.onSpinWait();
    }

    private void submit(JournalWrite write) {
        if (!rig.journal.submit(write)) failures.incrementAndGet();
    }

    private void told(Outcome outcome, Runnable done) {
        if (outcome != Outcome.COMMITTED) failures.incrementAndGet();
        done.run();
    }
}

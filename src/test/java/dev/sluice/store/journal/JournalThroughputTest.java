package dev.sluice.store.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.ForgetReceived;
import dev.sluice.store.journal.JournalWrite.Outcome;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** QoS 2 handshakes through the journal: prints what this machine does and asserts only that it is not absurd. */
@Tag("bench")
class JournalThroughputTest {
    private static final int CLIENTS = 200;
    private static final int WINDOW = 20;
    private static final int ROUNDS = 50;

    @Test
    void writesASecond() throws Exception {
        EmbeddedServer.shared().empty();
        try (var rig = new StoreRig(EmbeddedServer.shared(), new StoreRig.Settings(4, 8192, 1024, 500))) {
            var epochs = IntStream.range(0, CLIENTS)
                    .mapToObj(n -> rig.open("client-" + n, true, 60).epoch())
                    .toList();
            run(rig, epochs, 10);
            var batches = rig.batches();
            var start = System.nanoTime();
            run(rig, epochs, ROUNDS);
            var seconds = (System.nanoTime() - start) / 1e9;
            var writes = 2 * CLIENTS * WINDOW * ROUNDS;
            System.out.printf(
                    "journal: %,.0f writes/s, %.0f writes a batch, %.0f commits/s%n",
                    writes / seconds, writes / (rig.batches() - batches), (rig.batches() - batches) / seconds);
            System.out.printf(
                    "journal: %.2f ms for one write on an idle lane (median)%n", median(rig, epochs.getFirst()));
            assertThat(writes / seconds).isGreaterThan(500);
        }
    }

    private static double median(StoreRig rig, long epoch) {
        return LongStream.rangeClosed(1, 301)
                        .map(packetId -> {
                            var start = System.nanoTime();
                            assertThat(rig.remember("client-0", epoch, (int) packetId, "m")
                                            .join())
                                    .isEqualTo(Outcome.COMMITTED);
                            return System.nanoTime() - start;
                        })
                        .sorted()
                        .skip(150)
                        .findFirst()
                        .orElseThrow()
                / 1e6;
    }

    /** Each packet identifier of each client goes round: remember, then forget when that is committed, and again. */
    private static void run(StoreRig rig, List<Long> epochs, int rounds) throws InterruptedException {
        var left = new CountDownLatch(CLIENTS * WINDOW);
        var failures = new AtomicInteger();
        for (int client = 0; client < CLIENTS; client++) {
            for (int packetId = 1; packetId <= WINDOW; packetId++)
                remember(rig, "client-" + client, epochs.get(client), packetId, rounds, left, failures);
        }
        left.await();
        assertThat(failures).hasValue(0);
    }

    private static void remember(
            StoreRig rig,
            String client,
            long epoch,
            int packetId,
            int rounds,
            CountDownLatch left,
            AtomicInteger failures) {
        if (rounds == 0) {
            left.countDown();
            return;
        }
        Consumer<Outcome> forgotten = outcome -> {
            count(outcome, failures);
            remember(rig, client, epoch, packetId, rounds - 1, left, failures);
        };
        Consumer<Outcome> remembered = outcome -> {
            count(outcome, failures);
            submit(rig, new ForgetReceived(client, epoch, packetId, forgotten));
        };
        submit(
                rig,
                Accept.kept(client, epoch, null, List.of(), false, remembered)
                        .exactlyOnce(packetId, "0123456789abcdef0123456789abcdef"));
    }

    private static void submit(StoreRig rig, JournalWrite write) {
        assertThat(rig.journal.submit(write)).isTrue();
    }

    private static void count(Outcome outcome, AtomicInteger failures) {
        if (outcome != Outcome.COMMITTED) failures.incrementAndGet();
    }
}

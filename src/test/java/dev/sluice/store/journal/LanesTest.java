package dev.sluice.store.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.StoreConfig.QueuePolicy;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import dev.sluice.store.delivery.QueueReader.Row;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.Acknowledge;
import dev.sluice.store.journal.JournalWrite.MarkReceived;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.topic.NameIndex;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several lanes write to the same queues and the same retained topics, while connections come and go and sweeps run. */
@Tag("postgres")
@Timeout(120)
class LanesTest {
    private static final int CLIENTS = 12;
    private static final int ROUNDS = 400;
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private final RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    private final Map<String, Long> epochs = new ConcurrentHashMap<>();
    private StoreRig rig;

    @BeforeEach
    void empty() {
        SERVER.empty();
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    @Test
    void aQueueFromManyLanesHasNoGapAndKeepsTheOrderOfEachPublisher() {
        rig = new StoreRig(SERVER, new StoreRig.Settings(4, 8192, 50, 50));
        openAll();
        var outcomes = new ArrayList<CompletableFuture<Outcome>>();
        for (int round = 0; round < ROUNDS; round++)
            for (int client = 0; client < CLIENTS; client++)
                outcomes.add(rig.accept(name(client), message(client, round), copies(3)));
        assertThat(outcomes).extracting(CompletableFuture::join).containsOnly(Outcome.COMMITTED);

        for (int client = 0; client < CLIENTS; client++) {
            var rows = rig.queues.page(name(client), 0, 100_000, 1 << 28).rows();
            assertThat(rows.getLast().seq()).isEqualTo(rows.size());
            var last = new HashMap<String, Integer>();
            for (var row : rows) {
                var words = Messages.text(row.message()).strip().split(" ");
                var round = Integer.parseInt(words[1]);
                assertThat(last.getOrDefault(words[0], -1)).isLessThanOrEqualTo(round);
                last.put(words[0], round);
            }
        }
        assertNobodyWaitedInACircle();
    }

    @Test
    void nobodyWaitsInACircleAndTheCountersAreExact() throws Exception {
        rig = new StoreRig(SERVER, new StoreRig.Settings(4, 8192, 50, 50, 40, 1 << 20, QueuePolicy.DROP_OLDEST));
        openAll();
        var outcomes = new ArrayList<CompletableFuture<Outcome>>();
        for (int round = 0; round < ROUNDS; round++) {
            for (int client = 0; client < CLIENTS; client++) outcomes.add(acceptAnything(client, round));
            if (round % 20 == 0) {
                open(name(random.nextInt(CLIENTS)), round % 100 == 0);
                rig.sweep.sweepEnded();
                rig.sweep.sweepQueued();
                rig.orphans.reap();
            }
            var client = random.nextInt(CLIENTS);
            acknowledge(name(client), outcomes);
        }
        assertThat(outcomes).extracting(CompletableFuture::join).containsOnly(Outcome.COMMITTED, Outcome.FENCED);
        rig.journal.stop();

        assertNobodyWaitedInACircle();
        assertThat(SERVER.value("SELECT string_agg(s.client_id, ' ') FROM session s JOIN queue q ON q.session_id = s.id"
                        + " JOIN queue_out o ON o.session_id = s.id WHERE (q.count_in - o.count_out, q.bytes_in - o.bytes_out)"
                        + " <> (SELECT count(*), coalesce(sum(r.bytes), 0) FROM queued r WHERE r.session_id = s.id)"))
                .as("queues whose counters are wrong")
                .isNull();
        assertThat(SERVER.value("SELECT count(*) FROM queued q LEFT JOIN message m ON m.id = q.message_id"
                        + " WHERE q.message_id IS NOT NULL AND m.id IS NULL"))
                .as("copies without their message")
                .isEqualTo("0");
    }

    @Test
    void retainedTopicsAreSetAndClearedByAllLanes() {
        rig = new StoreRig(SERVER, new StoreRig.Settings(4, 8192, 50, 50));
        var outcomes = new ArrayList<CompletableFuture<Outcome>>();
        for (int i = 0; i < CLIENTS * ROUNDS; i++) {
            var client = name(i % CLIENTS);
            var message = Messages.message("r/" + random.nextInt(40), random.nextInt(3) == 0 ? "" : "x");
            outcomes.add(rig.submit(done -> Accept.unfenced(client, message, List.of(), true, done)));
        }
        assertThat(outcomes).extracting(CompletableFuture::join).containsOnly(Outcome.COMMITTED);
        assertNobodyWaitedInACircle();
        var names = rig
                .retainedTopics
                .find(TopicFilter.of("#"), NameIndex.Place.START, 1000, Integer.MAX_VALUE)
                .names()
                .stream()
                .map(TopicName::toString)
                .toList();
        assertThat(SERVER.value(
                        "SELECT string_agg(topic, ' ' ORDER BY topic) FROM retained WHERE octet_length(payload) > 0"))
                .isEqualTo(String.join(" ", names));
    }

    private void openAll() {
        for (int client = 0; client < CLIENTS; client++) open(name(client), false);
    }

    private void open(String client, boolean cleanStart) {
        epochs.put(client, rig.open(client, cleanStart, 60).epoch());
    }

    private CompletableFuture<Outcome> acceptAnything(int client, int round) {
        var message = round % 3 == 0
                ? Messages.expiring("r/" + random.nextInt(5), " ".repeat(300), 50)
                : message(client, round);
        var retain = random.nextInt(4) == 0;
        return rig.submit(
                done -> Accept.kept(name(client), epochs.get(name(client)), message, List.of(copies(4)), retain, done)
                        .exactlyOnce(1 + round % 9, "m"));
    }

    private void acknowledge(String client, List<CompletableFuture<Outcome>> outcomes) {
        for (var row : rig.queues.page(client, 0, 20, 1 << 20).rows()) {
            var epoch = epochs.get(client);
            var seq = row.seq();
            if (isExactlyOnce(row)) outcomes.add(rig.submit(done -> new MarkReceived(client, epoch, seq, done)));
            outcomes.add(rig.submit(done -> new Acknowledge(client, epoch, seq, seq, done)));
        }
    }

    private static boolean isExactlyOnce(Row row) {
        return row.qos() == QoS.EXACTLY_ONCE;
    }

    /** A victim would have been retried after a second. */
    private void assertNobodyWaitedInACircle() {
        assertThat(rig.meters.get("sluice.journal.retries").counter().count()).isZero();
    }

    private Copy[] copies(int most) {
        return random.ints(1 + random.nextInt(most), 0, CLIENTS)
                .mapToObj(client -> Messages.copy(name(client), QoS.of(1 + random.nextInt(2))))
                .toArray(Copy[]::new);
    }

    private static String name(int client) {
        return "c" + client;
    }

    private static Message message(int client, int round) {
        return Messages.message(
                "r/" + client % 5, name(client) + " " + round + (round % 2 == 0 ? " ".repeat(300) : ""));
    }
}

package dev.sluice.store.journal;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.Outcome;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One message for very many sessions, on a single lane. */
@Tag("postgres")
class FanoutTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final int SESSIONS = 5000;
    /** Some tests stop it while its lane waits. */
    private static final StoreRig.Settings SETTINGS = StoreRig.Settings.ONE_LANE.stopping(Duration.ofMillis(200));
    /** Whose copy is in the second part. */
    private static final String LATE = client(3000);

    private StoreRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        SERVER.execute("""
                INSERT INTO session (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, created_at, connected_at)
                SELECT -n, 's' || to_char(n, 'FM00000'), -n, 'node-1', false, false, 5, 3600, now(), now() FROM generate_series(1, %d) n;
                INSERT INTO queue (session_id) SELECT id FROM session;
                INSERT INTO queue_out (session_id) SELECT id FROM session""".formatted(SESSIONS));
        rig = new StoreRig(SERVER, SETTINGS);
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private static String client(int number) {
        return "s%05d".formatted(number);
    }

    private static List<Copy> copies() {
        // Not in the order of client ids, as a router has them.
        return IntStream.rangeClosed(1, SESSIONS)
                .map(n -> 1 + n * 7 % SESSIONS)
                .mapToObj(n -> new Copy(client(n), -n, QoS.EXACTLY_ONCE, false, List.of(), null))
                .toList();
    }

    @Test
    void allGetTheirCopyAndTheMessageIsStoredOnce() {
        var copies = copies();
        var before = rig.batches();

        assertThat(publish(copies).join()).isEqualTo(COMMITTED);

        assertThat(copies).allSatisfy(copy -> assertThat(copy.seq()).isEqualTo(1));
        assertThat(rig.batches() - before).isGreaterThanOrEqualTo(3);
        assertEachHasOne();
        assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("1");
        assertThat(SERVER.value("SELECT count(*) FROM fanout")).isEqualTo("0");
    }

    @Test
    void othersAreAnsweredMeanwhileAndThePublisherStaysInOrder() throws Exception {
        var epoch = rig.open("p", false, 60).epoch();
        var other = rig.open("other", false, 60).epoch();
        var order = new CopyOnWriteArrayList<String>();
        CompletableFuture<Void> all;
        try (var _ = hold(client(1))) {
            rig.accept("another", Messages.message("t", "holds the lane"), Messages.copy(client(1)));
            awaitLock();
            var large = publish(copies()).thenRun(() -> order.add("large"));
            var next = rig.remember("p", epoch, 1, "m1").thenRun(() -> order.add("next of the publisher"));
            var secondLarge = publish("q", copies()).thenRun(() -> order.add("second large"));
            var others = rig.remember("other", other, 1, "m1").thenRun(() -> order.add("other"));
            all = CompletableFuture.allOf(large, next, secondLarge, others);
        }
        all.join();
        assertThat(order).containsExactly("other", "large", "next of the publisher", "second large");
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo(Integer.toString(2 * SESSIONS + 1));
        assertThat(rig.meters.get("sluice.journal.queued").gauge().value()).isZero();
    }

    @Test
    void aMessageWhoseFirstCopiesAreAllAcknowledgedIsKept() throws Exception {
        CompletableFuture<Outcome> large;
        try (var _ = hold(LATE)) {
            large = publish(copies());
            awaitSecondPart();
            var message = Long.parseLong(SERVER.value("SELECT id FROM message"));
            SERVER.execute("DELETE FROM queued");
            rig.orphans.suspect(List.of(message));
            assertThat(rig.orphans.reap()).isZero();
        }
        assertThat(large.join()).isEqualTo(COMMITTED);
        assertThat(SERVER.value("SELECT count(*) FROM queued JOIN message m ON m.id = message_id"))
                .isEqualTo(Integer.toString(SESSIONS - Instalments.MOST));
    }

    @Test
    void aMessageThatIsSentAgainAfterACrashGoesToTheRestOnly() throws Exception {
        var epoch = rig.open("p", false, 60).epoch();
        try (var _ = hold(LATE)) {
            exactlyOnce(epoch, copies());
            awaitSecondPart();
            rig.close();
        }
        await().until(() -> SERVER.value("SELECT 1 FROM pg_locks WHERE NOT granted") == null);
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo(Integer.toString(Instalments.MOST));
        assertThat(SERVER.value("SELECT count(*) FROM received")).isEqualTo("0");
        SERVER.execute(
                "DELETE FROM queued WHERE session_id = (SELECT id FROM session WHERE client_id = '" + client(1) + "')");

        rig = new StoreRig(SERVER, SETTINGS);
        var copies = copies();
        var next = rig.open("p", false, 60).epoch();
        assertThat(exactlyOnce(next, copies).join()).isEqualTo(COMMITTED);

        assertThat(SERVER.value("SELECT count(*) FROM queue WHERE count_in = 1"))
                .isEqualTo(Integer.toString(SESSIONS));
        assertThat(copies).allSatisfy(copy -> assertThat(copy.seq())
                .isEqualTo(copy.clientId().equals(client(1)) ? Copy.EARLIER : 1));
        assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("1");
        assertThat(SERVER.value("SELECT count(*) FROM fanout")).isEqualTo("0");
        assertThat(SERVER.value("SELECT message_id FROM received WHERE packet_id = 7"))
                .isEqualTo("m7");
    }

    @Test
    void anotherMessageUnderTheSameIdentifierGoesToAll() throws Exception {
        var epoch = rig.open("p", false, 60).epoch();
        try (var _ = hold(LATE)) {
            exactlyOnce(epoch, copies());
            awaitSecondPart();
            rig.close();
        }
        rig = new StoreRig(SERVER, SETTINGS);
        var next = rig.open("p", false, 60).epoch();
        var another =
                rig.submit(done -> Accept.kept("p", next, Messages.message("other", "text"), copies(), false, done)
                        .exactlyOnce(7, "m7"));

        assertThat(another.join()).isEqualTo(COMMITTED);
        assertThat(SERVER.value(
                        "SELECT count(*) FROM queued JOIN message m ON m.id = message_id WHERE m.topic = 'other'"))
                .isEqualTo(Integer.toString(SESSIONS));
        assertThat(SERVER.value("SELECT count(*) FROM fanout")).isEqualTo("0");
    }

    @Test
    void aPublisherThatIsTakenOverMeanwhileIsToldOnce() throws Exception {
        var epoch = rig.open("p", false, 60).epoch();
        var other = rig.open("other", false, 60).epoch();
        var outcomes = new CopyOnWriteArrayList<Outcome>();
        var firstPart = new CompletableFuture<Void>();
        var takenOver = new CompletableFuture<Void>();
        CompletableFuture<Void> all;
        try (var _ = hold(client(1))) {
            rig.accept("another", Messages.message("t", "holds the lane"), Messages.copy(client(1)));
            awaitLock();
            var large = exactlyOnce(epoch, copies()).thenAccept(outcomes::add);
            var laneWaits = rig.remember("other", other, 1, "m1").thenRun(() -> {
                firstPart.complete(null);
                takenOver.join();
            });
            all = CompletableFuture.allOf(large, laneWaits);
        }
        firstPart.join();
        assertThat(SERVER.value("SELECT done_to FROM fanout")).isEqualTo(client(Instalments.MOST));
        assertThat(rig.open("p", false, 60).present()).isTrue();
        takenOver.complete(null);
        all.join();
        assertThat(outcomes).containsExactly(Outcome.FENCED);
    }

    private CompletableFuture<Outcome> publish(List<Copy> copies) {
        return publish("p", copies);
    }

    private CompletableFuture<Outcome> publish(String publisher, List<Copy> copies) {
        return rig.submit(done -> Accept.unfenced(publisher, Messages.ofBytes(1000), copies, false, done));
    }

    private CompletableFuture<Outcome> exactlyOnce(long epoch, List<Copy> copies) {
        return rig.submit(done -> Accept.kept("p", epoch, Messages.ofBytes(1000), copies, false, done)
                .exactlyOnce(7, "m7"));
    }

    /** Keeps a queue to itself until the connection is closed. */
    private static Connection hold(String clientId) throws SQLException {
        var holder = SERVER.dataSource().getConnection();
        holder.setAutoCommit(false);
        try (var statement = holder.createStatement()) {
            statement.execute("SELECT 1 FROM queue q JOIN session s ON s.id = q.session_id WHERE s.client_id = '"
                    + clientId + "' FOR UPDATE OF q");
        }
        return holder;
    }

    private static void awaitLock() {
        await().until(() -> SERVER.value("SELECT 1 FROM pg_locks WHERE NOT granted") != null);
    }

    private static void awaitSecondPart() {
        awaitLock();
        assertThat(SERVER.value("SELECT done_to FROM fanout")).isEqualTo(client(Instalments.MOST));
    }

    private static void assertEachHasOne() {
        assertThat(
                        SERVER.value(
                                "SELECT count(*) FROM (SELECT session_id FROM queued GROUP BY session_id HAVING count(*) = 1) q"))
                .isEqualTo(Integer.toString(SESSIONS));
    }
}

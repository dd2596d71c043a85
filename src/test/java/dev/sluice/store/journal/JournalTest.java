package dev.sluice.store.journal;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static dev.sluice.store.journal.JournalWrite.Outcome.FENCED;
import static dev.sluice.store.journal.JournalWrite.Outcome.GONE;
import static dev.sluice.store.journal.JournalWrite.Outcome.REFUSED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.JournalWrite.ForgetReceived;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.JournalWrite.Unsubscribe;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.AbstractList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class JournalTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final StoreRig.Settings SETTINGS = new StoreRig.Settings(1, 2000, 1024, 500);
    private StoreRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, SETTINGS);
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    @Test
    void remembersAndForgets() {
        var epoch = rig.open("c", false, 60).epoch();

        assertThat(rig.remember("c", epoch, 7, "m7").join()).isEqualTo(COMMITTED);
        assertThat(SERVER.value("SELECT message_id FROM received WHERE packet_id = 7"))
                .isEqualTo("m7");
        assertThat(rig.forget("c", epoch, 7).join()).isEqualTo(COMMITTED);
        assertThat(SERVER.value("SELECT count(*) FROM received")).isEqualTo("0");
        assertThat(rig.forget("c", epoch, 8).join()).isEqualTo(COMMITTED);
    }

    @Test
    void closingStartsTheExpiry() {
        var epoch = rig.open("c", false, 60).epoch();

        assertThat(rig.disconnect("c", epoch, 120, 0x8B).join()).isEqualTo(COMMITTED);

        assertThat(SERVER.value("SELECT concat_ws(' ', connected, last_disconnect_reason, expires_at - disconnected_at)"
                        + " FROM v_session"))
                .isEqualTo("f 139 00:02:00");
    }

    @Test
    void closingASessionWithoutExpiryEndsIt() {
        var epoch = rig.open("c", false, 60).epoch();
        rig.remember("c", epoch, 7, "m7").join();

        assertThat(rig.disconnect("c", epoch, 0, 0).join()).isEqualTo(COMMITTED);

        assertThat(SERVER.value("SELECT count(*) FROM session")).isEqualTo("0");
        assertThat(rig.remember("c", epoch, 8, "m8").join()).isEqualTo(GONE);
    }

    @Test
    void everyKindOfWriteIsFenced() {
        var lost = rig.open("c", false, 60).epoch();
        rig.remember("c", lost, 7, "m7").join();
        var current = rig.open("c", false, 60).epoch();

        assertThat(rig.remember("c", lost, 8, "m8").join()).isEqualTo(FENCED);
        assertThat(rig.forget("c", lost, 7).join()).isEqualTo(FENCED);
        assertThat(rig.disconnect("c", lost, 60, 0).join()).isEqualTo(FENCED);
        assertThat(rig.disconnect("c", lost, 0, 0).join()).isEqualTo(FENCED);

        assertThat(SERVER.value("SELECT string_agg(message_id, ',') FROM received"))
                .isEqualTo("m7");
        assertThat(SERVER.value("SELECT connected AND epoch = " + current + " FROM session"))
                .isEqualTo("t");
        assertThat(rig.meters.get("sluice.journal.fenced").counter().count()).isEqualTo(4);
    }

    @Test
    void whatQueuesDuringACommitIsCommittedTogether() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        List<CompletableFuture<Outcome>> outcomes;
        try (var _ = holdLane(epoch)) {
            outcomes = IntStream.rangeClosed(1, 1000)
                    .mapToObj(id -> rig.remember("c", epoch, id, "m" + id))
                    .toList();
        }
        assertThat(outcomes).extracting(CompletableFuture::join).containsOnly(COMMITTED);
        assertThat(rig.batches()).isEqualTo(2);
        assertThat(SERVER.value("SELECT count(*) FROM received")).isEqualTo("1001");
    }

    @Test
    void ofWritesAboutOnePacketIdentifierTheLastDecides() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        List<CompletableFuture<Outcome>> outcomes;
        try (var _ = holdLane(epoch)) {
            outcomes = List.of(
                    rig.remember("c", epoch, 1, "first"),
                    rig.forget("c", epoch, 1),
                    rig.remember("c", epoch, 1, "second"),
                    rig.remember("c", epoch - 1, 1, "stale"),
                    rig.remember("c", epoch, 2, "gone"),
                    rig.forget("c", epoch, 2),
                    rig.disconnect("c", epoch, 60, 0),
                    rig.disconnect("c", epoch, 30, 4));
        }
        assertThat(outcomes)
                .extracting(CompletableFuture::join)
                .containsExactly(COMMITTED, COMMITTED, COMMITTED, FENCED, COMMITTED, COMMITTED, COMMITTED, COMMITTED);
        assertThat(rig.batches()).isEqualTo(2);
        assertThat(SERVER.value(
                        "SELECT string_agg(packet_id || message_id, ',') FROM received WHERE packet_id < 65535"))
                .isEqualTo("1second");
        assertThat(SERVER.value("SELECT last_disconnect_reason FROM session")).isEqualTo("4");
    }

    @Test
    void aSessionEndsTogetherWithWhatTheSameBatchWrote() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        List<CompletableFuture<Outcome>> outcomes;
        try (var _ = holdLane(epoch)) {
            outcomes = List.of(rig.remember("c", epoch, 1, "m1"), rig.disconnect("c", epoch, 0, 0));
        }
        assertThat(outcomes).extracting(CompletableFuture::join).containsExactly(COMMITTED, COMMITTED);
        assertThat(SERVER.value("SELECT count(*) FROM session")).isEqualTo("0");
    }

    @Test
    void aBadWriteRefusesItselfOnly() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        var other = rig.open("d", false, 60).epoch();
        List<CompletableFuture<Outcome>> outcomes;
        try (var _ = holdLane(epoch)) {
            outcomes = List.of(
                    rig.remember("c", epoch, 1, "m1"),
                    rig.remember("c", epoch, 65536, "out of range"),
                    rig.remember("c", epoch, 2, "m2"),
                    rig.disconnect("d", other, 60, 256),
                    rig.forget("c", epoch, 1));
        }
        assertThat(outcomes)
                .extracting(CompletableFuture::join)
                .containsExactly(COMMITTED, REFUSED, COMMITTED, REFUSED, COMMITTED);
        assertThat(SERVER.value("SELECT string_agg(message_id, ',') FROM received WHERE packet_id < 65535"))
                .isEqualTo("m2");
        assertThat(SERVER.value("SELECT connected FROM session WHERE client_id = 'd'"))
                .isEqualTo("t");
    }

    @Test
    void aFullLaneSaysSoAndTakesMoreAfterwards() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        try (var _ = holdLane(epoch)) {
            IntStream.range(0, 2000).forEach(_ -> rig.forget("c", epoch, 1));
            assertThat(rig.journal.submit(new ForgetReceived("c", epoch, 1, _ -> {})))
                    .isFalse();
            assertThat(rig.meters.get("sluice.journal.queued").gauge().value()).isEqualTo(2000);
        }
        await().untilAsserted(() -> assertThat(
                        rig.meters.get("sluice.journal.queued").gauge().value())
                .isZero());
        assertThat(rig.forget("c", epoch, 1).join()).isEqualTo(COMMITTED);
    }

    @Test
    void aLaneIsAlsoFullInBytes() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        rig.open("a", false, 60);
        var large = Messages.ofBytes(1 << 20);
        CompletableFuture<Outcome> last;
        try (var _ = holdLane(epoch)) {
            for (int i = 0; i < 16; i++) rig.accept("p", large, Messages.copy("a"));
            assertThatThrownBy(() -> rig.accept("p", large, Messages.copy("a"))).hasMessage("the lane is full");
            last = rig.forget("c", epoch, 1);
        }
        assertThat(last.join()).isEqualTo(COMMITTED);
        assertThat(rig.accept("p", large, Messages.copy("a")).join()).isEqualTo(COMMITTED);
        assertThat(rig.batches()).as("one large message a batch").isGreaterThanOrEqualTo(18);
    }

    @Test
    void completionsOfOneClientKeepItsOrder() {
        var epoch = rig.open("c", false, 60).epoch();
        var order = new CopyOnWriteArrayList<Integer>();
        CompletableFuture.allOf(IntStream.rangeClosed(1, 500)
                        .mapToObj(id -> rig.remember("c", epoch, id, "m").thenRun(() -> order.add(id)))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
        assertThat(order).isSorted().hasSize(500);
    }

    @Test
    void aCompletionThatFailsDoesNotEndTheLane() {
        var epoch = rig.open("c", false, 60).epoch();
        rig.journal.submit(new ForgetReceived("c", epoch, 1, _ -> {
            throw new IllegalStateException("of the test");
        }));
        assertThat(rig.forget("c", epoch, 1).join()).isEqualTo(COMMITTED);
    }

    @Test
    void aWriteThatMeetsABugIsRefusedAndHoldsUpNobody() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        List<CompletableFuture<Outcome>> outcomes;
        try (var _ = holdLane(epoch)) {
            outcomes = List.of(
                    rig.remember("c", epoch, 1, "m1"),
                    poison(epoch, new IllegalStateException("of the test")),
                    rig.remember("c", epoch, 2, "m2"),
                    poison(epoch, new StackOverflowError("of the test")),
                    rig.forget("c", epoch, 1));
        }
        assertThat(outcomes)
                .extracting(CompletableFuture::join)
                .containsExactly(COMMITTED, REFUSED, COMMITTED, REFUSED, COMMITTED);
        assertThat(SERVER.value("SELECT string_agg(message_id, ',') FROM received WHERE packet_id < 65535"))
                .isEqualTo("m2");
        assertThat(rig.journal.deadLanes()).isEmpty();
    }

    @Test
    void aWriteThatATriggerRaisesAnErrorForIsRefusedAndHoldsUpNobody() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        SERVER.execute("""
                CREATE FUNCTION raises() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'of the test'; END $$;
                CREATE TRIGGER raises BEFORE INSERT ON received FOR EACH ROW WHEN (NEW.message_id = 'bad')
                EXECUTE FUNCTION raises()""");
        try {
            List<CompletableFuture<Outcome>> outcomes;
            try (var _ = holdLane(epoch)) {
                outcomes = List.of(
                        rig.remember("c", epoch, 1, "m1"),
                        rig.remember("c", epoch, 2, "bad"),
                        rig.remember("c", epoch, 3, "m3"));
            }
            assertThat(outcomes).extracting(CompletableFuture::join).containsExactly(COMMITTED, REFUSED, COMMITTED);
        } finally {
            SERVER.execute("DROP FUNCTION raises CASCADE");
        }
    }

    @Test
    void aBatchThatLosesItsConnectionAgainAndAgainIsDivided() throws Exception {
        rig.close();
        rig = new StoreRig(SERVER, SETTINGS.hasty());
        var epoch = rig.open("c", false, 60).epoch();
        var other = rig.open("d", false, 60).epoch();
        CompletableFuture<Outcome> stuck;
        try (var _ = lock("d")) {
            CompletableFuture<Outcome> first;
            try (var _ = holdLane(epoch)) {
                first = rig.remember("c", epoch, 1, "m1");
                stuck = rig.remember("d", other, 1, "m1"); // takes longer than the socket timeout
            }
            assertThat(first.get(60, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
            assertThat(stuck).isNotDone();
        }
        assertThat(stuck.get(60, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
    }

    @Test
    void aCompletionWithAnErrorDoesNotEndTheLane() {
        var epoch = rig.open("c", false, 60).epoch();
        rig.journal.submit(new ForgetReceived("c", epoch, 1, _ -> {
            throw new StackOverflowError("of the test");
        }));
        assertThat(rig.forget("c", epoch, 1).join()).isEqualTo(COMMITTED);
    }

    @Test
    void aLaneThatHasEndedIsNamed() {
        var epoch = rig.open("c", false, 60).epoch();
        rig.journal.submit(
                new ForgetReceived("c", epoch, 1, _ -> Thread.currentThread().interrupt()));
        await().untilAsserted(() -> assertThat(rig.journal.deadLanes()).containsExactly("journal-lane-0"));
        rig.journal.stop();
        assertThat(rig.journal.deadLanes()).isEmpty();
    }

    /** A write that throws on the lane's thread, each time that it is to be written. */
    private CompletableFuture<Outcome> poison(long epoch, Throwable failure) {
        var filters = new AbstractList<String>() {
            @Override
            public String get(int index) {
                if (Thread.currentThread().getName().contains("journal-lane")) {
                    if (failure instanceof Error error) throw error;
                    throw (RuntimeException) failure;
                }
                return "a/b";
            }

            @Override
            public int size() {
                return 1;
            }
        };
        return rig.submit(done -> new Unsubscribe("c", epoch, filters, done));
    }

    @Test
    void whatWasTakenIsCommittedBeforeTheStop() {
        var epoch = rig.open("c", false, 60).epoch();
        var outcomes = IntStream.rangeClosed(1, 1500)
                .mapToObj(id -> rig.remember("c", epoch, id, "m"))
                .toList();

        rig.journal.stop();

        assertThat(outcomes)
                .allSatisfy(outcome -> assertThat(outcome.resultNow()).isEqualTo(COMMITTED));
        assertThat(rig.journal.submit(new ForgetReceived("c", epoch, 1, _ -> {})))
                .isFalse();
    }

    /** Makes the lane wait within the commit of one write until the connection is closed. */
    private Connection holdLane(long epoch) throws SQLException {
        var holder = lock("c");
        rig.remember("c", epoch, 65535, "holds the lane");
        await().until(() -> SERVER.value("SELECT 1 FROM pg_locks WHERE NOT granted") != null);
        return holder;
    }

    /** Keeps a session to itself until the connection is closed. */
    private static Connection lock(String clientId) throws SQLException {
        var holder = SERVER.dataSource().getConnection();
        holder.setAutoCommit(false);
        try (var statement = holder.createStatement()) {
            statement.execute("SELECT 1 FROM session WHERE client_id = '" + clientId + "' FOR UPDATE");
        }
        return holder;
    }
}

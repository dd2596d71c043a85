package dev.sluice.store.journal;

import static dev.sluice.store.Messages.copy;
import static dev.sluice.store.Messages.message;
import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.QoS;
import dev.sluice.store.BrokenCommits;
import dev.sluice.store.BrokenCommits.Fate;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreRig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.route.RouteStore;
import dev.sluice.support.Stopwatch;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The connection breaks between COMMIT and its answer: whatever PostgreSQL did, a write is applied once. */
@Tag("postgres")
class BrokenCommitTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private AgroalDataSource pool;
    private BrokenCommits commits;
    private StoreRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        pool = Pools.patient(SERVER);
        commits = new BrokenCommits(pool);
        rig = new StoreRig(commits.dataSource(), StoreRig.Settings.ONE_LANE);
    }

    @AfterEach
    void stop() {
        rig.close();
        pool.close();
    }

    @ParameterizedTest
    @EnumSource(names = {"COMMITTED", "ROLLED_BACK"})
    void aMessageIsQueuedOnce(Fate fate) {
        rig.open("a", false, 60);
        rig.open("b", false, 60);
        var epoch = rig.open("p", false, 60).epoch();
        rig.accept("p", epoch, message("t", "before"), copy("a")).join();
        var copies = List.of(copy("a", QoS.EXACTLY_ONCE), copy("b"), copy("gone"));
        commits.breakNext(fate);

        var outcome = rig.submit(done -> Accept.kept("p", epoch, message("t", "x".repeat(500)), copies, false, done)
                .exactlyOnce(7, "m"));

        assertThat(outcome.join()).isEqualTo(COMMITTED);
        assertThat(commits.hasBroken()).isTrue();
        assertThat(copies).extracting(Copy::seq).containsExactly(2L, 1L, Copy.NOBODY);
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("3");
        assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("1");
        assertThat(SERVER.value("SELECT last_seq FROM v_queue_depth WHERE client_id = 'a'"))
                .isEqualTo("2");
        assertThat(rig.meters.get("sluice.journal.retries").counter().count()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(names = {"COMMITTED", "ROLLED_BACK"})
    void theFirstBatchOfALaneIsAppliedOnce(Fate fate) {
        rig.open("a", false, 60);
        commits.breakNext(fate);
        var copy = copy("a");

        assertThat(rig.accept("p", message("t", ""), copy).join()).isEqualTo(COMMITTED);

        assertThat(copy.seq()).isEqualTo(1);
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("1");
    }

    @Test
    void aSessionThatEndedInDoubtHasEnded() {
        var epoch = rig.open("a", false, 60).epoch();
        commits.breakNext(Fate.COMMITTED);

        var outcome = rig.submit(done -> new CloseSession("a", epoch, 0, 0, 0, false, done));

        assertThat(outcome.join()).as("not fenced by itself").isEqualTo(COMMITTED);
        assertThat(SERVER.value("SELECT count(*) FROM session")).isEqualTo("0");
    }

    @Test
    void aCommitThatIsStillUnderWayIsWaitedFor() throws Exception {
        rig.open("a", false, 60);
        commits.breakNext(Fate.UNDECIDED);
        var first = copy("a");

        var outcome = rig.accept("p", message("t", "first of the lane"), first);
        awaitLockWait();
        assertThat(outcome).isNotDone();
        try (var undecided = commits.undecided.take()) {
            undecided.commit();
        }
        assertThat(outcome.get(60, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
        assertThat(first.seq()).isEqualTo(1);

        commits.breakNext(Fate.UNDECIDED);
        var second = copy("a");
        outcome = rig.accept("p", message("t", "second"), second);
        awaitLockWait();
        try (var undecided = commits.undecided.take()) {
            undecided.rollback();
        }
        assertThat(outcome.get(60, TimeUnit.SECONDS)).isEqualTo(COMMITTED);
        assertThat(second.seq()).isEqualTo(2);
        assertThat(rig.queues.page("a", 0, 10, 1000).rows().stream().mapToLong(QueueReader.Row::seq))
                .containsExactlyElementsOf(LongStream.rangeClosed(1, 2).boxed().toList());
    }

    @ParameterizedTest
    @EnumSource(names = {"COMMITTED", "ROLLED_BACK", "UNANSWERED"})
    void aChangeOfRoutesWhoseCommitHasNoAnswerIsInDoubt(Fate fate) throws Exception {
        Stopwatch.inTime(() -> {
            commits.breakNext(fate, "sluice-store-call");
            assertThatThrownBy(() -> hastyRoutes().change("ann", _ -> routes("in-doubt"), specs -> specs))
                    .isInstanceOfSatisfying(StoreUnavailable.class, away -> assertThat(away.isInDoubt())
                            .isTrue());
            assertThat(commits.hasBroken()).isTrue();
        });
        assertThat(rig.routes.read().routes().containsKey("in-doubt")).isEqualTo(fate != Fate.ROLLED_BACK);
        rig.routes.change("ann", _ -> new TreeMap<String, String>(), specs -> specs);
    }

    @Test
    void aChangeOfRoutesThatDidNotComeToItsCommitIsNotInDoubt() throws Exception {
        try (var operator = SERVER.dataSource().getConnection()) {
            operator.setAutoCommit(false);
            operator.createStatement().execute("SELECT FROM route_set FOR UPDATE");
            assertThatThrownBy(() -> hastyRoutes().change("ann", _ -> routes("late"), specs -> specs))
                    .isInstanceOfSatisfying(StoreUnavailable.class, away -> assertThat(away.isInDoubt())
                            .isFalse());
            operator.rollback();
        }
        rig.routes.change("ann", before -> before.specs(), specs -> specs);
        assertThat(rig.routes.read().routes()).isEmpty();
    }

    private RouteStore hastyRoutes() {
        var settings = StoreRig.Settings.ONE_LANE.hasty();
        return new RouteStore(new StoreRequests(rig.pool, settings, rig.health, new SimpleMeterRegistry()));
    }

    private static SortedMap<String, String> routes(String name) {
        return new TreeMap<>(Map.of(name, "{\"kafkaTopic\": \"t\"}"));
    }

    private static void awaitLockWait() {
        await().until(() -> SERVER.value("SELECT 1 FROM pg_locks WHERE NOT granted") != null);
    }
}

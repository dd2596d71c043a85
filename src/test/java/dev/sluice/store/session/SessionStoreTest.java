package dev.sluice.store.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.store.session.SessionStore.ReceivedPublish;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class SessionStoreTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Will WILL =
            new Will(TopicName.of("wills/c9"), QoS.EXACTLY_ONCE, true, Properties.NONE, new byte[] {1});
    private static StoreRig rig;

    @BeforeAll
    static void start() {
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
    }

    @AfterAll
    static void stop() {
        rig.close();
    }

    @BeforeEach
    void empty() {
        SERVER.empty();
    }

    @Test
    void theFirstOpenFindsNoSession() {
        assertThat(rig.open("c", false, 60))
                .returns(false, OpenedSession::present)
                .returns(0, opened -> opened.received().size());
        assertThat(SERVER.value("SELECT concat_ws(' ', connected, node, protocol, expiry, username) FROM v_session"))
                .isEqualTo("t node-1 5.0 00:01:00 someone");
    }

    @Test
    void aClosedSessionIsResumedWithWhatItHolds() {
        var epoch = rig.open("c", false, 60).epoch();
        rig.remember("c", epoch, 7, "m7").join();
        rig.remember("c", epoch, 65535, "m\"\\{},ü").join();
        rig.disconnect("c", epoch, 60, 0).join();

        var resumed = rig.open("c", false, 60);

        assertThat(resumed.present()).isTrue();
        assertThat(resumed.epoch()).isGreaterThan(epoch);
        assertThat(resumed.received())
                .containsExactly(new ReceivedPublish(7, "m7"), new ReceivedPublish(65535, "m\"\\{},ü"));
        assertThat(SERVER.value("SELECT connected AND disconnected_at IS NULL AND expires_at IS NULL FROM session"))
                .isEqualTo("t");
    }

    @Test
    void aCleanStartDiscardsTheEarlierSession() {
        var epoch = rig.open("c", false, 60).epoch();
        rig.remember("c", epoch, 7, "m7").join();

        assertThat(rig.open("c", true, 60).present()).isFalse();
        assertThat(SERVER.value("SELECT count(*) FROM received")).isEqualTo("0");
        assertThat(SERVER.value("SELECT created_at = connected_at FROM session"))
                .isEqualTo("t");
    }

    @Test
    void anExpiredSessionIsNotResumedEvenBeforeTheSweep() {
        var epoch = rig.open("c", false, 60).epoch();
        rig.remember("c", epoch, 7, "m7").join();
        rig.disconnect("c", epoch, 60, 0).join();
        SERVER.execute("UPDATE session SET expires_at = now() - interval '1 millisecond'");

        var opened = rig.open("c", false, 60);

        assertThat(opened.present()).isFalse();
        assertThat(opened.received()).isEmpty();
    }

    @Test
    void aSessionOfAKilledGatewayIsResumedUnlessItEndedWithItsConnection() {
        rig.open("outlives", false, 60);
        rig.open("ends", false, 0);

        assertThat(rig.open("outlives", false, 60).present()).isTrue();
        assertThat(rig.open("ends", false, 60).present()).isFalse();
    }

    @Test
    void aSessionWithoutEndIsResumed() {
        var epoch = rig.open("c", false, StoreRig.NEVER).epoch();
        rig.disconnect("c", epoch, StoreRig.NEVER, 0).join();

        assertThat(SERVER.value("SELECT expires_at IS NULL AND NOT connected FROM session"))
                .isEqualTo("t");
        assertThat(rig.open("c", false, StoreRig.NEVER).present()).isTrue();
    }

    @Test
    void anEpochIsNotUsedAgainAfterItsSessionEnded() {
        var first = rig.open("c", false, 0).epoch();
        rig.disconnect("c", first, 0, 0).join();
        assertThat(SERVER.value("SELECT count(*) FROM session")).isEqualTo("0");

        assertThat(rig.open("c", false, 0).epoch()).isGreaterThan(first);
    }

    @Test
    void concurrentOpensOfOneClientTakeTurns() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var opens = IntStream.range(0, 40)
                    .mapToObj(_ -> threads.submit(() -> rig.open("c", false, 60)))
                    .toList();
            var opened = opens.stream().map(SessionStoreTest::opened).toList();
            assertThat(opened).extracting(OpenedSession::epoch).doesNotHaveDuplicates();
            assertThat(opened).filteredOn(open -> !open.present()).hasSize(1);
            var last = opened.stream().mapToLong(OpenedSession::epoch).max().orElseThrow();
            assertThat(SERVER.value("SELECT epoch FROM session")).isEqualTo(Long.toString(last));
        }
    }

    @Test
    void anOpenSeesWhatTheJournalCommittedWhileItWaited() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        try (var lane = SERVER.dataSource().getConnection();
                var statement = lane.createStatement()) {
            lane.setAutoCommit(false);
            statement.execute("SELECT 1 FROM session WHERE client_id = 'c' AND epoch = " + epoch + " FOR SHARE");
            statement.execute("INSERT INTO received VALUES ('c', 9, 'm9')");
            var opening = CompletableFuture.supplyAsync(() -> rig.open("c", false, 60));
            awaitLockWait();
            lane.commit();

            assertThat(opening.join().received()).containsExactly(new ReceivedPublish(9, "m9"));
        }
    }

    @Test
    void aWriteOfTheEarlierOwnerWaitsForTheOpenAndIsFenced() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        try (var other = SERVER.dataSource().getConnection();
                var statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SELECT * FROM open_session('c', false, 5::smallint, 60, null, 'node-2')");
            var late = rig.remember("c", epoch, 9, "m9");
            awaitLockWait();
            other.commit();

            assertThat(late.join()).isEqualTo(Outcome.FENCED);
            assertThat(SERVER.value("SELECT count(*) FROM received")).isEqualTo("0");
        }
    }

    @Test
    void anOpenThatWaitsTooLongGivesUpAndChangesNothing() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        try (var other = SERVER.dataSource().getConnection();
                var statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SELECT 1 FROM session FOR UPDATE");
            var request = new OpenRequest("c", false, 5, 60, "someone", "node-1", StoreRig.SEND_QUOTA, null);
            assertThatThrownBy(() -> rig.sessions.open(request, Duration.ofMillis(500)))
                    .isInstanceOf(StoreUnavailable.class)
                    .hasMessageContaining("PT0.5S");
        }
        await().until(() -> SERVER.value("SELECT 1 FROM pg_locks WHERE relation = 'session'::regclass") == null);
        assertThat(SERVER.value("SELECT epoch FROM session")).isEqualTo(Long.toString(epoch));
    }

    @Test
    void opensThatWaitTogetherShareTransactions() throws Exception {
        var known = rig.open("c7", false, 60);
        rig.remember("c7", known.epoch(), 7, "m7").join();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var opens = IntStream.range(0, 400)
                    .mapToObj(i -> threads.submit(() -> rig.open("c" + i, false, 60, i == 9 ? WILL : null)))
                    .toList();
            var opened = opens.stream().map(SessionStoreTest::opened).toList();
            var rows = SERVER.value("SELECT string_agg(client_id || ' ' || id || ' ' || epoch, ',') FROM session");
            assertThat(rows.split(","))
                    .containsExactlyInAnyOrderElementsOf(IntStream.range(0, opened.size())
                            .mapToObj(i -> "c%d %d %d"
                                    .formatted(
                                            i, opened.get(i).id(), opened.get(i).epoch()))
                            .toList());
            assertThat(opened).filteredOn(OpenedSession::present).containsExactly(opened.get(7));
            assertThat(opened.get(7).received()).containsExactly(new ReceivedPublish(7, "m7"));
        }
        assertThat(SERVER.value("SELECT string_agg(client_id || ' ' || topic, ',') FROM will"))
                .isEqualTo("c9 " + WILL.topicName());
        assertThat(SERVER.value("SELECT count(DISTINCT xmin::text) < 100 FROM session"))
                .as("far fewer transactions than sessions")
                .isEqualTo("t");
    }

    @Test
    void oneWhoseRowIsLockedOrThatIsRefusedHoldsUpNobodyElse() throws Exception {
        rig.open("c3", false, 60);
        try (var other = SERVER.dataSource().getConnection();
                var statement = other.createStatement();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            other.setAutoCommit(false);
            statement.execute("SELECT 1 FROM session WHERE client_id = 'c3' FOR UPDATE");
            var opens = IntStream.range(0, 200)
                    .mapToObj(i -> threads.submit(() -> rig.open(i == 5 ? "x".repeat(2049) : "c" + i, false, 60)))
                    .toList();
            for (int i = 0; i < opens.size(); i++)
                if (i != 3 && i != 5)
                    assertThat(opened(opens.get(i)).present()).as("c%d", i).isFalse();
            assertThat(opens.get(3).isDone()).isFalse();
            other.rollback();
            assertThat(opened(opens.get(3)).present()).isTrue();
            assertThat(opens.get(5))
                    .failsWithin(Duration.ofSeconds(60))
                    .withThrowableOfType(ExecutionException.class)
                    .withCauseInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aClientIdTooLongForTheIndexIsRefused() {
        assertThatThrownBy(() -> rig.open("x".repeat(2049), false, 60)).isInstanceOf(IllegalArgumentException.class);
        assertThat(rig.open("x".repeat(2048), false, 60).present()).isFalse();
    }

    @Test
    void theViewIsReadOnly() {
        assertThatThrownBy(() -> SERVER.execute("DELETE FROM v_session"))
                .hasMessageContaining("cannot delete from view");
    }

    private static OpenedSession opened(Future<OpenedSession> open) {
        try {
            return open.get();
        } catch (InterruptedException | ExecutionException failure) {
            throw new AssertionError(failure);
        }
    }

    private static void awaitLockWait() {
        await().until(() -> SERVER.value("SELECT 1 FROM pg_locks WHERE NOT granted") != null);
    }

    @Test
    void noMoreSessionsAreBegunThanThereMayBe() {
        try (var bounded = new StoreRig(
                SERVER,
                new StoreRig.Settings(1, 8192, 1024, 500, 250_000, 1 << 28, StoreConfig.QueuePolicy.DROP_OLDEST, 3))) {
            for (int i = 0; i < 3; i++) bounded.open("c" + i, false, 60);
            assertThatThrownBy(() -> bounded.open("c3", false, 60))
                    .isInstanceOf(TooManySessions.class)
                    .hasMessage("there are 3 sessions, as many as there may be (sluice.store.sessions-maximum)");
            assertThat(bounded.open("c1", false, 60).present())
                    .as("one that is there")
                    .isTrue();
            SERVER.execute("DELETE FROM session WHERE client_id = 'c0'");
            await().ignoreExceptions()
                    .untilAsserted(() ->
                            assertThat(bounded.open("c3", false, 60).present()).isFalse());
        }
    }
}

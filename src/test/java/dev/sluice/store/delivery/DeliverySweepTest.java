package dev.sluice.store.delivery;

import static dev.sluice.store.Messages.copy;
import static dev.sluice.store.Messages.expiring;
import static dev.sluice.store.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.Pools;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreRig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.QueueReader.Row;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.Subscribe;
import dev.sluice.store.session.StoredSubscription;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class DeliverySweepTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private StoreRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, new StoreRig.Settings(1, 8192, 1024, 50));
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    /** What a Shared Subscription chose the session for is offered to whoever knows the other members, before it is deleted. */
    @Test
    void endedSessionsLeaveTheirSharedMessagesToOthers() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        rig.accept("p", message("t", "own"), copy("c")).join();
        for (int n = 0; n < 120; n++) rig.accept("p", message("t", "shared " + n), shared(QoS.AT_LEAST_ONCE));
        rig.accept("p", message("t", "begun"), shared(QoS.EXACTLY_ONCE)).join();
        rig.disconnect("c", epoch, 0, 0);
        rig.open("c", true, 60);

        rig.redelivery = _ -> {
            throw new StoreUnavailable("nobody can be asked", null);
        };
        assertThat(rig.sweep.sweepEnded()).isZero();
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("120");

        rig.redelivery = orphaned -> {
            orphaned.deliveries().stream().limit(3).forEach(orphaned::done);
            throw new StoreUnavailable("the others are not certain", null);
        };
        assertThat(rig.sweep.sweepEnded()).isZero();
        assertThat(SERVER.value("SELECT count(*) FROM queued"))
                .as("behind the page that the last sweep ended with, there are two more")
                .isEqualTo("114");

        var left = new ArrayList<OrphanedDelivery>();
        rig.redelivery = orphaned -> orphaned.deliveries().forEach(one -> {
            left.add(one);
            orphaned.done(one);
        });
        assertThat(rig.sweep.sweepEnded()).isEqualTo(1);
        assertThat(left)
                .extracting(OrphanedDelivery::share, one -> Messages.text(one.message()))
                .containsExactlyElementsOf(IntStream.range(0, 120)
                        .filter(n -> n < 50 || n % 50 > 2)
                        .mapToObj(n -> tuple("$share/g/t", "shared " + n))
                        .toList());
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("0");
        assertThat(SERVER.value("SELECT count(*) FROM ended_session")).isEqualTo("0");
    }

    @Test
    void whatNobodyCanBeGivenHoldsUpNothingElse() throws Exception {
        var stuck = rig.open("c", true, 60).id();
        for (int n = 0; n < 60; n++) rig.accept("p", message("t", "stuck"), shared(QoS.AT_LEAST_ONCE));
        for (int n = 0; n < 130; n++) {
            rig.open("c" + n, true, 60);
            rig.accept("p", message("t", "shared"), shared("c" + n, QoS.AT_LEAST_ONCE))
                    .join();
        }
        SERVER.execute("DELETE FROM session");
        var closed = rig.open("closed", true, 60).epoch();
        rig.accept("p", expiring("t", "late", -1), copy("closed")).join();
        rig.disconnect("closed", closed, 60, 0).join();
        rig.redelivery = orphaned -> {
            orphaned.deliveries().stream()
                    .filter(one -> one.sessionId() != stuck)
                    .forEach(orphaned::done);
            throw new StoreUnavailable("the others are not certain", null);
        };

        rig.sweep.sweep();
        assertThat(SERVER.value("SELECT count(*) FROM queued WHERE share IS NULL"))
                .as("what has expired, although nothing could be given")
                .isEqualTo("0");
        rig.sweep.sweep();
        assertThat(SERVER.value("SELECT count(*) FROM queued WHERE session_id <> " + stuck))
                .isEqualTo("0");
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("60");
        assertThat(SERVER.value("SELECT string_agg(id::text, '') FROM ended_session"))
                .isEqualTo("" + stuck);
    }

    /** Whoever gives them to others waits for a journal: no transaction may stay open meanwhile. */
    @Test
    void noTransactionIsOpenWhileOthersAreGivenMessages() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        rig.accept("p", message("t", "shared"), shared(QoS.AT_LEAST_ONCE)).join();
        rig.disconnect("c", epoch, 0, 0).join();

        var open = new CompletableFuture<String>();
        rig.redelivery = _ -> open.complete(SERVER.value("SELECT count(*) FROM pg_stat_activity"
                + " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"));
        rig.sweep.sweepEnded();

        assertThat(open.join()).isEqualTo("0");
    }

    private static Copy shared(QoS qos) {
        return shared("c", qos);
    }

    private static Copy shared(String clientId, QoS qos) {
        return new Copy(clientId, Copy.ANY_SESSION, qos, false, List.of(), "$share/g/t");
    }

    @Test
    void endedSessionsLeaveNothing() throws Exception {
        for (int n = 0; n < 130; n++) {
            var client = "c" + n;
            var epoch = rig.open(client, false, 60).epoch();
            rig.submit(done -> new Subscribe(
                    client, epoch, List.of(new StoredSubscription("f", QoS.AT_LEAST_ONCE, false, false, 0, 0)), done));
            rig.disconnect(client, epoch, 60, 0);
        }
        rig.open("lives", false, 60);
        publish("c0", 180);
        rig.accept("p", message("t", "x".repeat(400)), copy("c1"), copy("c2")).join();
        rig.accept("p", message("t", "x".repeat(400)), copy("c1"), copy("lives"))
                .join();
        SERVER.execute("UPDATE session SET expires_at = now() WHERE client_id LIKE 'c%'");
        assertThat(rig.expiry.sweep()).isEqualTo(130);
        assertThat(rig.ended.stream().mapToInt(it -> it.sessions().size())).containsExactly(50, 50, 30);
        assertThat(rig.ended.stream().flatMap(it -> it.sessions().stream().map(EndedSession::clientId)))
                .hasSize(130)
                .contains("c0", "c129");

        assertThat(rig.sweep.sweepEnded()).isEqualTo(130);

        for (var table : List.of("ended_session", "subscription"))
            assertThat(SERVER.value("SELECT count(*) FROM " + table)).as(table).isEqualTo("0");
        for (var table : List.of("queue", "queue_out", "queued"))
            assertThat(SERVER.value("SELECT count(*) FROM " + table)).as(table).isEqualTo("1");
        assertThat(rig.orphans.reap()).isEqualTo(1);
        assertThat(rig.sweep.sweepEnded()).isZero();
    }

    @Test
    void aQueueThatIsBeingFilledIsLeftForTheNextSweep() throws Exception {
        rig.open("a", false, 60);
        publish("a", 1);
        try (var filler = SERVER.dataSource().getConnection();
                var statement = filler.createStatement()) {
            filler.setAutoCommit(false);
            statement.execute("SELECT 1 FROM queue FOR NO KEY UPDATE");
            statement.execute(
                    "INSERT INTO queued SELECT session_id, seq + 1, message_id, queued_at, expires_at, bytes, qos,"
                            + " message_qos, retain, message_retain, received, identifiers, share, topic, properties, payload FROM queued");
            SERVER.execute("DELETE FROM session");

            assertThat(rig.sweep.sweepEnded()).isZero();

            filler.commit();
        }
        assertThat(rig.sweep.sweepEnded()).isEqualTo(1);
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("0");
    }

    @Test
    void expiredMessagesGoUnlessTheyMayBeOnTheirWay() throws Exception {
        var closed = rig.open("closed", false, 60).epoch();
        rig.open("connected", false, 60);
        var large = "x".repeat(400);
        rig.accept("p", expiring("t", "sent", -1), copy("closed")).join();
        CompletableFuture.allOf(IntStream.range(0, 120)
                        .mapToObj(n -> rig.accept("p", expiring("t", "" + n, -1), copy("closed"), copy("connected")))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
        rig.accept("p", expiring("t", large, -1), copy("closed"), copy("closed"))
                .join();
        rig.accept("p", expiring("t", "later", 60_000), copy("closed")).join();
        rig.accept("p", message("t", "never"), copy("closed")).join();
        rig.submit(done -> new CloseSession("closed", closed, 60, 0, 1, false, done))
                .join();

        assertThat(rig.sweep.sweepQueued()).isEqualTo(122);

        assertThat(rig.queues.page("closed", 0, 1000, 100_000).rows())
                .extracting(Row::message)
                .extracting(Messages::text)
                .containsExactly("sent", "later", "never");
        assertThat(rig.queues.page("connected", 0, 1000, 100_000).rows()).hasSize(120);
        assertThat(SERVER.value("SELECT messages || ' ' || bytes FROM v_queue_depth WHERE client_id = 'closed'"))
                .isEqualTo(SERVER.value("SELECT count(*) || ' ' || sum(q.bytes) FROM queued q JOIN session s"
                        + " ON s.id = q.session_id WHERE s.client_id = 'closed'"));
        assertThat(rig.orphans.reap()).isEqualTo(1);
        assertThat(rig.meters.get("sluice.queue.expired").counter().count()).isEqualTo(122);
        assertThat(rig.sweep.sweepQueued()).isZero();
    }

    /** However many there are: a sweep costs what has come due since the last one. */
    @Test
    void whatMayNotBeDeletedIsLookedAtOnce() throws Exception {
        var transactions = new AtomicInteger();
        try (var pool = Pools.patient(SERVER);
                var counted =
                        new StoreRig(Pools.counting(pool, transactions), new StoreRig.Settings(1, 8192, 1024, 50))) {
            var closed = counted.open("closed", false, 60).epoch();
            counted.open("connected", false, 60);
            publishExpired(counted, 500, copy("closed"), copy("connected"));
            counted.submit(done -> new CloseSession("closed", closed, 60, 0, 480, false, done))
                    .join();

            assertThat(counted.sweep.sweepQueued()).isEqualTo(20);
            transactions.set(0);
            assertThat(counted.sweep.sweepQueued()).isZero();

            assertThat(transactions).hasValue(2);
        }
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("980");
    }

    @Test
    void theEndOfAConnectionLeavesToTheSweepWhatItHadPassedOver() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        publishExpired(rig, 130, copy("c"));
        assertThat(rig.sweep.sweepQueued()).isZero();
        rig.submit(done -> new CloseSession("c", epoch, 60, 0, 10, false, done)).join();

        assertThat(rig.sweep.sweepQueued()).isEqualTo(120);

        assertThat(SERVER.value("SELECT messages FROM v_queue_depth")).isEqualTo("10");
        assertThat(SERVER.value("SELECT count(*) FROM left_queue")).isEqualTo("0");
    }

    @Test
    void aKillLeavesToTheSweepWhatItHadPassedOver() throws Exception {
        rig.open("c", false, 60);
        publishExpired(rig, 130, copy("c"));
        assertThat(rig.sweep.sweepQueued()).isZero();
        rig.reclaim("node-1");

        assertThat(rig.sweep.sweepQueued()).isEqualTo(130 - StoreRig.SEND_QUOTA);
        assertThat(SERVER.value("SELECT count(*) FROM left_queue")).isEqualTo("0");
    }

    /** A client that is back before the sweep drops them itself; if it does not, the end of its next connection counts. */
    @Test
    void whatWasPassedOverIsLeftToAClientThatIsBack() throws Exception {
        var first = rig.open("c", false, 60).epoch();
        publishExpired(rig, 3, copy("c"));
        rig.sweep.sweepQueued();
        rig.disconnect("c", first, 60, 0).join();
        var second = rig.open("c", false, 60).epoch();

        assertThat(rig.sweep.sweepQueued()).isZero();
        assertThat(SERVER.value("SELECT count(*) FROM left_queue")).isEqualTo("0");
        rig.disconnect("c", second, 60, 0).join();
        assertThat(rig.sweep.sweepQueued()).isEqualTo(3);
    }

    @Test
    void whatIsLockedIsSweptLater() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        publishExpired(rig, 60, copy("c"));
        try (var other = SERVER.dataSource().getConnection();
                var statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SELECT FROM session FOR SHARE");
            assertThat(rig.sweep.sweepQueued()).isZero();
            assertThat(SERVER.value("SELECT count(*) FROM queued WHERE passed_over"))
                    .isEqualTo("0");
            other.rollback();
            assertThat(rig.sweep.sweepQueued()).isZero();
            rig.disconnect("c", epoch, 60, 0).join();
            statement.execute("SELECT FROM session FOR SHARE");
            assertThat(rig.sweep.sweepQueued()).isZero();
            other.rollback();
        }
        assertThat(rig.sweep.sweepQueued()).isEqualTo(60);
    }

    private static void publishExpired(StoreRig rig, int count, Copy... copies) {
        CompletableFuture.allOf(IntStream.range(0, count)
                        .mapToObj(n -> rig.accept("p", expiring("t", "" + n, -1), copies))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
    }

    /** Counts the connections that it hands out. */
    @Test
    void theSearchFindsWhatAKilledGatewayForgot() throws Exception {
        rig.open("a", false, 60);
        rig.open("b", false, 60);
        rig.accept("p", message("t", "x".repeat(400)), copy("a"), copy("b")).join();
        SERVER.execute("INSERT INTO message SELECT n, 't', null, '' FROM generate_series(1, 1500) n");
        var found = 0;
        for (int i = 0; i < 3; i++) found += rig.orphans.search();

        assertThat(found).isEqualTo(1500);
        assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("1");
        assertThat(rig.meters.get("sluice.message.orphans").counter().count()).isEqualTo(1500);
    }

    @Test
    void whatIsNamedBeyondTheBoundIsCountedAndFoundInOneSearch() throws Exception {
        SERVER.execute("INSERT INTO message SELECT n, 't', null, '' FROM generate_series(1, 12000) n");
        rig.orphans.suspect(LongStream.rangeClosed(1_000_001, 1_200_000).boxed().toList());
        rig.orphans.suspect(LongStream.rangeClosed(1, 12_000).boxed().toList());

        assertThat(rig.orphans.search()).isEqualTo(12_000);
        assertThat(rig.meters.get("sluice.message.suspects.dropped").counter().count())
                .isEqualTo(12_000);
    }

    @Test
    void theThreadReapsByItself() {
        var a = rig.open("a", false, 60).epoch();
        rig.accept("p", message("t", "x".repeat(400)), copy("a"), copy("a")).join();
        rig.acknowledge("a", a, 1, 2).join();
        rig.acknowledge("a", a, 2, 2).join();

        rig.sweep.start(null);
        await().untilAsserted(() ->
                assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("0"));
        rig.sweep.stop(null);
    }

    private void publish(String clientId, int count) {
        CompletableFuture.allOf(IntStream.range(0, count)
                        .mapToObj(n -> rig.accept("p", message("t", "" + n), copy(clientId)))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
    }
}

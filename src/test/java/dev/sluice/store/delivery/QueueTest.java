package dev.sluice.store.delivery;

import static dev.sluice.store.Messages.copy;
import static dev.sluice.store.Messages.message;
import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static dev.sluice.store.journal.JournalWrite.Outcome.FENCED;
import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import dev.sluice.store.delivery.QueueReader.Row;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.AssignPacketId;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.MarkReceived;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.topic.TopicName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class QueueTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private StoreRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    @Test
    void everySessionThatIsOwedACopyGetsItsOwnPlace() {
        rig.open("a", false, 60);
        rig.open("b", false, 60);
        var copies = List.of(copy("a"), copy("b"), copy("a", QoS.EXACTLY_ONCE));

        assertThat(rig.accept("p", message("t", "one"), copies.toArray(Copy[]::new))
                        .join())
                .isEqualTo(COMMITTED);
        var next = copy("b");
        rig.accept("p", message("t", "two"), next).join();

        assertThat(copies).extracting(Copy::seq).containsExactly(1L, 1L, 2L);
        assertThat(next.seq()).isEqualTo(2);
        assertThat(rig.queues.page("b", 0, 10, 1000).rows())
                .extracting(Row::seq, row -> Messages.text(row.message()))
                .containsExactly(tuple(1L, "one"), tuple(2L, "two"));
    }

    @Test
    void aRowIsReadAsItWasAccepted() {
        rig.open("a", false, 60);
        rig.open("b", false, 60);
        var properties = Properties.NONE
                .with(Property.CONTENT_TYPE, "text/plain")
                .with(Property.CORRELATION_DATA, new byte[] {0, 1, -1})
                .withUserProperty("n", "v")
                .withUserProperty("n", "ü");
        for (var payload : List.of(new byte[] {0, 1, -1}, new byte[5000], new byte[0])) {
            var message =
                    new Message(TopicName.of("tö/+"), QoS.EXACTLY_ONCE, true, properties, payload, 1_900_000_000_123L);
            var identifiers = List.of(7, 268_435_455);
            var shared = new Copy("a", Copy.ANY_SESSION, QoS.EXACTLY_ONCE, true, identifiers, "$share/g/tö/#");
            rig.accept("p", message, shared, copy("b")).join();
            var row = rig.queues.page("a", 0, 1, 1000).rows().getFirst();

            assertThat(row)
                    .usingRecursiveComparison()
                    .ignoringFields("message.expiresAt")
                    .withEqualsForType(Object::equals, TopicName.class)
                    .withEqualsForType(Object::equals, Properties.class)
                    .isEqualTo(new Row(
                            row.seq(), 0, false, QoS.EXACTLY_ONCE, true, identifiers, "$share/g/tö/#", message));
            assertThat(rig.queues.page("b", 0, 1, 1000).rows().getFirst())
                    .returns(List.of(), Row::subscriptionIdentifiers)
                    .returns(null, Row::share)
                    .returns(QoS.AT_LEAST_ONCE, Row::qos)
                    .extracting(it -> it.message().expiresAt(), as(InstanceOfAssertFactories.LONG))
                    .isCloseTo(1_900_000_000_123L, within(60_000L));
            SERVER.execute("DELETE FROM queued");
        }
    }

    @Test
    void aBatchFillsAQueueInTheOrderOfItsWrites() throws Exception {
        rig.open("a", false, 60);
        rig.open("b", false, 60);
        var epoch = rig.open("c", false, 60).epoch();
        var copies = IntStream.range(0, 900)
                .mapToObj(n -> copy(n % 3 == 0 ? "b" : "a"))
                .toList();
        List<CompletableFuture<Outcome>> outcomes;
        try (var _ = holdLane(epoch)) {
            outcomes = IntStream.range(0, 900)
                    .mapToObj(n -> rig.accept("p" + n % 7, message("t", "" + n), copies.get(n)))
                    .toList();
        }
        assertThat(outcomes).extracting(CompletableFuture::join).containsOnly(COMMITTED);
        assertThat(rig.batches()).isEqualTo(2);
        assertThat(copies.stream().filter(it -> it.clientId().equals("a")))
                .extracting(Copy::seq)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, 600).boxed().toList());
        assertThat(rig.queues.page("b", 0, 1000, 1 << 20).rows())
                .extracting(row -> Integer.parseInt(Messages.text(row.message())))
                .containsExactlyElementsOf(
                        IntStream.range(0, 300).mapToObj(n -> 3 * n).toList());
    }

    @Test
    void whoOwnsNothingAnyMoreQueuesNothing() throws Exception {
        rig.open("a", false, 60);
        var lost = rig.open("p", false, 60).epoch();
        var epoch = rig.open("c", false, 60).epoch();
        rig.open("p", false, 60);
        var stale = copy("a");
        var good = copy("a");
        var retained = new Message(TopicName.of("t"), QoS.AT_LEAST_ONCE, true, Properties.NONE, new byte[1], 1);
        CompletableFuture<Outcome> fenced;
        CompletableFuture<Outcome> committed;
        try (var _ = holdLane(epoch)) {
            fenced = rig.submit(done ->
                    Accept.kept("p", lost, retained, List.of(stale), true, done).exactlyOnce(9, "m"));
            committed = rig.accept("c", epoch, message("t", "good"), good);
        }
        assertThat(fenced.join()).isEqualTo(FENCED);
        assertThat(committed.join()).isEqualTo(COMMITTED);
        assertThat(rig.batches()).isEqualTo(2);
        assertThat(good.seq()).isEqualTo(1);
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("1");
        assertThat(SERVER.value("SELECT count(*) FROM retained")).isEqualTo("0");
        assertThat(SERVER.value("SELECT count(*) FROM received WHERE client_id = 'p'"))
                .isEqualTo("0");
    }

    @Test
    void aCopyForNobodyHurtsNobody() {
        rig.open("a", false, 60);
        rig.open("ends with its connection", false, 0);
        var copies = List.of(copy("a"), copy("gone"), copy("ends with its connection"));

        assertThat(rig.accept("p", message("t", "x".repeat(300)), copies.toArray(Copy[]::new))
                        .join())
                .isEqualTo(COMMITTED);

        assertThat(copies).extracting(Copy::seq).containsExactly(1L, Copy.NOBODY, Copy.NOBODY);
    }

    @Test
    void anAcknowledgedMessageIsGone() {
        var epoch = rig.open("a", false, 60).epoch();
        rig.accept("p", message("t", "one"), copy("a")).join();
        rig.accept("p", message("t", "two"), copy("a")).join();

        assertThat(rig.acknowledge("a", epoch, 1, 2).join()).isEqualTo(COMMITTED);
        assertThat(rig.acknowledge("a", epoch, 1, 2).join()).isEqualTo(COMMITTED);
        assertThat(rig.acknowledge("a", epoch, 77, 2).join()).isEqualTo(COMMITTED);

        assertThat(rig.queues.page("a", 0, 10, 1000).rows())
                .extracting(Row::seq)
                .containsExactly(2L);
        assertThat(SERVER.value("SELECT concat_ws(' ', messages, bytes, last_seq, oldest > '0') FROM v_queue_depth"))
                .isEqualTo("1 " + message("t", "two").bytes() + " 2 t");
        assertThat(SERVER.value("SELECT concat_ws(' ', client_id, seq, packet_id, qos, state, topic) FROM v_in_flight"))
                .isEqualTo("a 2 3 1 sent t");
    }

    @Test
    void aMessageThatTheClientHasIsMarked() {
        var epoch = rig.open("a", false, 60).epoch();
        rig.accept("p", message("t", "one"), copy("a", QoS.EXACTLY_ONCE)).join();

        assertThat(rig.submit(done -> new MarkReceived("a", epoch, 1, done)).join())
                .isEqualTo(COMMITTED);
        assertThat(rig.submit(done -> new MarkReceived("a", epoch, 2, done)).join())
                .isEqualTo(COMMITTED);
        assertThat(rig.submit(done -> new MarkReceived("a", epoch + 1, 1, done)).join())
                .isEqualTo(FENCED);

        assertThat(rig.queues.page("a", 0, 10, 1000).rows())
                .extracting(Row::received)
                .containsExactly(true);
        assertThat(SERVER.value("SELECT state FROM v_in_flight")).isEqualTo("received");
    }

    @Test
    void aMessageKeepsThePacketIdentifierThatItIsGiven() {
        var epoch = rig.open("a", false, 60).epoch();
        rig.accept("p", message("t", "one"), copy("a")).join();
        rig.accept("p", message("t", "two"), copy("a")).join();

        assertThat(rig.submit(done -> new AssignPacketId("a", epoch, 2, 40_000, done))
                        .join())
                .isEqualTo(COMMITTED);
        assertThat(rig.submit(done -> new AssignPacketId("a", epoch + 1, 2, 50_000, done))
                        .join())
                .isEqualTo(FENCED);
        rig.open("a", false, 60);

        assertThat(rig.queues.page("a", 0, 10, 1000).rows())
                .extracting(Row::packetId)
                .containsExactly(0, 40_000);
        assertThat(SERVER.value("SELECT string_agg(packet_id::text, ' ' ORDER BY seq) FROM v_in_flight"))
                .isEqualTo("2 40000");
    }

    @Test
    void pagesThroughAQueue() {
        rig.open("a", false, 60);
        CompletableFuture.allOf(IntStream.rangeClosed(1, 25)
                        .mapToObj(_ -> rig.accept("p", Messages.ofBytes(100), copy("a")))
                        .toArray(CompletableFuture<?>[]::new))
                .join();

        assertThat(seqs(rig.queues.page("a", 0, 10, 100_000), true)).containsExactly(seqs(1, 10));
        assertThat(seqs(rig.queues.page("a", 10, 14, 100_000), true)).containsExactly(seqs(11, 24));
        assertThat(seqs(rig.queues.page("a", 10, 15, 100_000), false)).containsExactly(seqs(11, 25));
        assertThat(seqs(rig.queues.page("a", 10, 10, 300), true)).containsExactly(seqs(11, 13));
        assertThat(seqs(rig.queues.page("a", 10, 10, 1), true)).containsExactly(seqs(11, 11));
        assertThat(seqs(rig.queues.page("a", 24, 10, 1), false)).containsExactly(seqs(25, 25));
        assertThat(seqs(rig.queues.page("a", 25, 10, 1), false)).isEmpty();
        assertThat(seqs(rig.queues.page("unknown", 0, 10, 1), false)).isEmpty();
    }

    @Test
    void aResumedSessionKnowsWhatMayHaveBeenSent() {
        var epoch = rig.open("a", false, 60).epoch();
        assertThat(rig.open("a", false, 60)).returns(0L, OpenedSession::lastSeq).returns(false, OpenedSession::queued);
        epoch = rig.open("a", false, 60).epoch();
        for (int i = 0; i < 3; i++) rig.accept("p", message("t", ""), copy("a")).join();
        close(epoch, 2);
        rig.accept("p", message("t", ""), copy("a")).join();

        var resumed = rig.open("a", false, 60);

        assertThat(resumed)
                .returns(2L, OpenedSession::sentSeq)
                .returns(4L, OpenedSession::lastSeq)
                .returns(true, OpenedSession::queued);
        close(resumed.epoch(), 1);
        assertThat(rig.open("a", false, 60).sentSeq())
                .as("what was sent once stays sent")
                .isEqualTo(2);
        assertThat(rig.open("a", false, 60).sentSeq())
                .as("a connection that nobody closed may have sent both")
                .isEqualTo(4);
    }

    /** Those beyond were never sent, and expire like others [MQTT-3.3.2-5]. */
    @Test
    void aConnectionThatNobodyClosedHasSentWhatItsQuotaAllowedAtMost() throws Exception {
        rig.open("a", false, 60);
        for (int i = 0; i < 2 * StoreRig.SEND_QUOTA; i++)
            rig.accept("p", message("t", ""), copy("a")).join();
        assertThat(rig.open("a", false, 60).sentSeq()).isEqualTo(StoreRig.SEND_QUOTA);

        SERVER.execute("UPDATE queued SET received = true WHERE seq = 1");
        SERVER.execute("DELETE FROM queued WHERE seq = 2");
        rig.reclaim("node-1");
        assertThat(rig.open("a", false, 60).sentSeq())
                .as("neither what is released nor what is acknowledged counts")
                .isEqualTo(StoreRig.SEND_QUOTA + 2);
        SERVER.execute("UPDATE queued SET received = true");
        assertThat(rig.open("a", false, 60).sentSeq())
                .as("what was received was sent")
                .isEqualTo(2 * StoreRig.SEND_QUOTA);
    }

    @Test
    void afterAKilledGatewayEverythingQueuedMayHaveBeenSent() throws Exception {
        rig.open("a", false, 60);
        rig.accept("p", message("t", ""), copy("a")).join();
        rig.reclaim("node-1");
        rig.accept("p", message("t", ""), copy("a")).join();

        assertThat(rig.open("a", false, 60)).returns(1L, OpenedSession::sentSeq).returns(2L, OpenedSession::lastSeq);
    }

    @Test
    void aCleanStartBeginsWithAnEmptyQueue() throws Exception {
        rig.open("a", false, 60);
        rig.accept("p", message("t", ""), copy("a")).join();

        assertThat(rig.open("a", true, 60))
                .returns(0L, OpenedSession::sentSeq)
                .returns(0L, OpenedSession::lastSeq)
                .returns(false, OpenedSession::queued);
        assertThat(rig.queues.page("a", 0, 10, 1000).rows()).isEmpty();
        var copy = copy("a");
        rig.accept("p", message("t", ""), copy).join();
        assertThat(copy.seq()).isEqualTo(1);

        assertThat(rig.sweep.sweepEnded()).isEqualTo(1);
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("1");
        assertThat(rig.open("a", false, 60).lastSeq()).isEqualTo(1);
    }

    /** It was under way when the client began anew: it belongs to the session that has ended. */
    @Test
    void aCopyForAnEarlierSessionDoesNotLandInTheNext() throws Exception {
        var earlier = rig.open("a", false, 60);
        var resumed = rig.open("a", false, 60);
        assertThat(resumed.id()).isEqualTo(earlier.id());
        var inTime = copyFor(resumed);
        rig.accept("p", message("t", "in time"), inTime).join();
        var later = rig.open("a", true, 60);
        var late = copyFor(resumed);
        var next = copyFor(later);
        assertThat(rig.accept("p", message("t", "late"), late).join()).isEqualTo(Outcome.COMMITTED);
        rig.accept("p", message("t", "next"), next).join();
        assertThat(inTime.seq()).isEqualTo(1);
        assertThat(late.seq()).isEqualTo(Copy.NOBODY);
        assertThat(next.seq()).isEqualTo(1);
        assertThat(rig.queues.page("a", 0, 10, 1000).rows()).hasSize(1);
    }

    private static Copy copyFor(OpenedSession session) {
        return new Copy("a", session.id(), QoS.AT_LEAST_ONCE, false, List.of(), null);
    }

    @Test
    void aMessageForSeveralIsStoredOnceAndGoesWithItsLastCopy() throws Exception {
        var a = rig.open("a", false, 60).epoch();
        var b = rig.open("b", false, 60).epoch();
        var large = message("t", "x".repeat(1000));
        rig.accept("p", large, copy("a"), copy("b")).join();
        rig.accept("p", large, copy("a")).join();
        rig.accept("p", large, copy("gone"), copy("gone, too")).join();
        assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("2");
        assertThat(rig.orphans.reap()).as("that of nobody").isEqualTo(1);

        rig.acknowledge("a", a, 1, 1).join();
        assertThat(rig.orphans.reap()).isZero();
        assertThat(Messages.text(
                        rig.queues.page("b", 0, 1, 10).rows().getFirst().message()))
                .isEqualTo(Messages.text(large));
        rig.acknowledge("b", b, 1, 1).join();
        assertThat(rig.orphans.reap()).isEqualTo(1);

        assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("0");
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("1");
    }

    private void close(long epoch, long sentSeq) {
        assertThat(rig.submit(done -> new CloseSession("a", epoch, 60, 0, sentSeq, false, done))
                        .join())
                .isEqualTo(COMMITTED);
    }

    private static long[] seqs(QueueReader.Page page, boolean more) {
        assertThat(page.more()).isEqualTo(more);
        return page.rows().stream().mapToLong(Row::seq).toArray();
    }

    private static long[] seqs(long first, long last) {
        return LongStream.rangeClosed(first, last).toArray();
    }

    /** Makes the lane wait within the commit of one write until the connection is closed. */
    private Connection holdLane(long epoch) throws SQLException {
        var holder = SERVER.dataSource().getConnection();
        holder.setAutoCommit(false);
        try (var statement = holder.createStatement()) {
            statement.execute("SELECT 1 FROM session WHERE client_id = 'c' FOR UPDATE");
        }
        rig.remember("c", epoch, 65535, "holds the lane");
        await().until(() -> SERVER.value("SELECT 1 FROM pg_locks WHERE NOT granted") != null);
        return holder;
    }
}

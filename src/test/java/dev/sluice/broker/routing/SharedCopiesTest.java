package dev.sluice.broker.routing;

import static dev.sluice.store.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.config.StoreConfig.QueuePolicy;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a member of a Shared Subscription cannot take is another one's, before anybody hears that the message is kept. */
@Tag("postgres")
class SharedCopiesTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final String SHARE = "$share/g/t";
    private static final QoS ONE = QoS.AT_LEAST_ONCE;

    private final Router router = new Router();
    private final Deliveries deliveries = new Deliveries(1000);
    private StoreRig rig;

    @BeforeEach
    void empty() {
        SERVER.empty();
        start(StoreRig.Settings.ONE_LANE);
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private void start(StoreRig.Settings settings) {
        if (rig != null) rig.close();
        rig = new StoreRig(SERVER, settings);
        rig.redelivery = new SharedRedelivery(router, rig.journal, deliveries)::give;
    }

    private void start(QueuePolicy policy, long count) {
        start(new StoreRig.Settings(1, 8192, 1024, 500, count, 1 << 20, policy));
    }

    /** Its session waits in PostgreSQL. */
    private void away(String clientId) {
        var session = rig.open(clientId, true, 3600);
        router.restore(clientId, session.id(), 0, List.of(new StoredSubscription(SHARE, ONE, false, false, 0, 0)));
        assertThat(rig.disconnect(clientId, session.epoch(), 3600, 0).join()).isEqualTo(Outcome.COMMITTED);
    }

    /** Nobody is told. */
    private void delete(String condition) {
        SERVER.execute("DELETE FROM session WHERE " + condition);
    }

    private Publication publish(String text) {
        return publish(message("t", text));
    }

    private Publication publish(Message message) {
        var publication = router.publication(message, null);
        var outcome = new CompletableFuture<Void>();
        deliveries.give(publication, this::keep, () -> outcome.complete(null));
        outcome.join();
        return publication;
    }

    private void keep(Publication publication, Runnable then) {
        rig.submit(done -> Accept.unfenced("p", publication.message(), publication.copies(), false, done))
                .join();
        publication.committed();
        then.run();
    }

    private List<String> publishAll(int count) {
        var texts = IntStream.range(0, count).mapToObj(n -> "m" + n).toList();
        texts.forEach(this::publish);
        return texts;
    }

    private List<String> queued(String clientId) {
        var texts = new ArrayList<String>();
        rig.queues
                .page(clientId, 0, 1000, 1 << 20)
                .rows()
                .forEach(row -> texts.add(new String(row.message().payload())));
        return texts;
    }

    @Test
    void whatWouldBeForASessionThatWasDeletedIsKeptForAnother() {
        away("ghost");
        away("heir");
        delete("client_id = 'ghost'");
        assertThat(queued("heir")).isEmpty();
        var texts = publishAll(10);
        assertThat(queued("heir")).containsExactlyElementsOf(texts);
        assertThat(router.find("ghost")).isNull();
    }

    @Test
    void amongAHundredThatWereDeletedTheOneThatIsLeftIsFound() {
        for (int i = 0; i < 100; i++) away("ghost" + i);
        away("heir");
        delete("client_id LIKE 'ghost%'");
        var texts = publishAll(3);
        assertThat(queued("heir")).containsExactlyElementsOf(texts);
    }

    /** The repeat of a QoS 2 PUBLISH finds its identifier, and is given to nobody. */
    @Test
    void theOtherCopyIsCommittedTogetherWithThePacketIdentifier() {
        away("ghost");
        away("heir");
        delete("client_id = 'ghost'");
        var epoch = rig.open("publisher", true, 3600).epoch();
        for (int i = 1; i < 3; i++) {
            var packetId = i;
            var publication = router.publication(message("t", "m" + i), null);
            rig.submit(done -> Accept.kept("publisher", epoch, publication.message(), publication.copies(), false, done)
                            .exactlyOnce(packetId, "id"))
                    .join();
        }
        assertThat(queued("heir")).containsExactly("m1", "m2");
        assertThat(SERVER.value("SELECT count(*) FROM received v JOIN queued q ON q.xmin = v.xmin"))
                .isEqualTo("2");
    }

    /** A message stored apart from its copies is not left behind, and those of others are as they were. */
    @Test
    void othersOfTheSameMessageKeepTheirs() {
        away("ghost");
        var own = rig.open("own", true, 3600);
        router.restore("own", own.id(), 0, List.of(new StoredSubscription("t", ONE, false, false, 0, 0)));
        delete("client_id = 'ghost'");
        var text = "x".repeat(1000);
        var publication = publish(text);
        assertThat(publication.copies()).extracting(Copy::seq).containsExactlyInAnyOrder(Copy.NOBODY, 1L);
        assertThat(queued("own")).containsExactly(text);
        assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("1");
    }

    @Test
    void whoIsConnectedTakesThePlaceOfASessionThatIsGone() {
        away("ghost");
        var publication = router.publication(message("t", "m"), null);
        var member = new LivingMember("live");
        router.subscribe(member, false, TopicFilter.of(SHARE), new StoredSubscription(SHARE, ONE, false, false, 0, 0));
        delete("client_id = 'ghost'");
        var given = new CompletableFuture<Void>();
        deliveries.give(publication, this::keep, () -> given.complete(null));
        assertThat(given).isCompleted();
        assertThat(member.taken).containsExactly("m");
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("0");
    }

    @Test
    void whoLeavesBeforeAMessageIsSentLeavesItToASession() {
        var member = new LivingMember("live");
        router.subscribe(member, false, TopicFilter.of(SHARE), new StoredSubscription(SHARE, ONE, false, false, 0, 0));
        var publication = router.publication(message("t", "m"), null);
        assertThat(publication.hasCopies()).isFalse();
        away("heir");
        router.detach(member, true);
        deliveries.give(publication, this::keep, () -> {});
        assertThat(queued("heir")).containsExactly("m");
    }

    @Test
    void aFullQueueLeavesItsTurnToOneWithRoom() {
        start(QueuePolicy.DROP_NEWEST, 4);
        away("full");
        away("heir");
        for (int i = 0; i < 4; i++) rig.accept("p", message("own", "own"), copy("full"));
        var texts = publishAll(4);
        assertThat(queued("heir")).containsExactlyElementsOf(texts);
        assertThat(dropped("newest")).isZero();

        publish("above");
        assertThat(dropped("newest")).as("all are full").isEqualTo(1);
    }

    @Test
    void aMessageDoesNotPushOthersOutWhereAnotherMemberHasRoom() {
        start(QueuePolicy.DROP_OLDEST, 4);
        away("full");
        away("heir");
        for (int i = 0; i < 4; i++) rig.accept("p", message("own", "own"), copy("full"));
        var texts = publishAll(4);
        assertThat(queued("heir")).containsExactlyElementsOf(texts);
        assertThat(queued("full")).hasSize(4).containsOnly("own");

        publish("above");
        await().untilAsserted(
                        () -> assertThat(dropped("oldest")).as("all are full").isEqualTo(1));
    }

    /** As many as are asked for in several steps. */
    @ParameterizedTest
    @EnumSource(QueuePolicy.class)
    void ofManyMembersWithFullQueuesTheOneThatHasRoomGetsIt(QueuePolicy policy) {
        start(policy, 4);
        awayAndFull(120);
        away("heir");
        var texts = publishAll(3);
        assertThat(queued("heir")).containsExactlyElementsOf(texts);
        assertThat(dropped("newest")).isZero();
        assertThat(SERVER.value("SELECT max(last_seq) FROM queue")).isEqualTo("4");
    }

    @Test
    void aQueueThatWasFullIsAskedAgainBeforeAMessageIsDropped() {
        start(QueuePolicy.DROP_NEWEST, 4);
        awayAndFull(30);
        publish("for nobody");
        assertThat(dropped("newest")).isEqualTo(1);
        SERVER.execute("UPDATE queue_out SET count_out = 1"
                + " WHERE session_id = (SELECT id FROM session WHERE client_id = 'full7')");
        await().untilAsserted(() -> {
            publish("m");
            assertThat(queued("full7")).containsExactly("m");
        });
    }

    /** Nobody is told that their queues are full. */
    private void awayAndFull(int members) {
        for (int i = 0; i < members; i++) away("full" + i);
        SERVER.execute("UPDATE queue SET last_seq = 4, count_in = 4");
    }

    @Test
    void withoutAnyMemberNobodyGetsIt() {
        away("a");
        away("b");
        delete("true");
        assertThat(publish("m").copies()).extracting(Copy::seq).containsExactly(Copy.NOBODY);
        assertThat(router.totals().count()).isZero();
        assertThat(publish("m").hasSubscribers()).isFalse();
    }

    @Test
    void whatManyEndedSessionsLeaveIsKeptForTheOneThatIsLeft() throws Exception {
        for (int i = 0; i < 40; i++) away("ghost" + i);
        away("heir");
        var texts = publishAll(123);
        delete("client_id LIKE 'ghost%'");
        rig.sweep.sweepEnded();
        assertThat(queued("heir")).containsExactlyInAnyOrderElementsOf(texts);
        assertThat(SERVER.value("SELECT count(*) FROM ended_session")).isEqualTo("0");
    }

    @Test
    void whatAnEndedSessionLeavesDoesNotGoToAFullQueue() throws Exception {
        start(QueuePolicy.DROP_NEWEST, 4);
        away("ended");
        var texts = publishAll(4);
        away("full");
        away("heir");
        for (int i = 0; i < 4; i++) rig.accept("p", message("own", "own"), copy("full"));
        delete("client_id = 'ended'");
        rig.sweep.sweepEnded();
        assertThat(queued("heir")).containsExactlyInAnyOrderElementsOf(texts);
    }

    @Test
    void whatIsNotKeptForAnotherStaysWhereItIs() throws Exception {
        away("ended");
        var texts = publishAll(5);
        away("heir");
        delete("client_id = 'ended'");
        rig.journal.stop();
        rig.sweep.sweepEnded();
        start(StoreRig.Settings.ONE_LANE);
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("" + texts.size());
    }

    /** Others sweep by now, and give it to somebody. */
    @Test
    void aGatewayThatWasTakenForDeadGivesNothingAway() throws Exception {
        rig.run.begin(SERVER.register());
        away("ended");
        var texts = publishAll(5);
        away("heir");
        delete("client_id = 'ended'");
        SERVER.execute("UPDATE node SET last_epoch = nextval('session_epoch')");
        rig.sweep.sweepEnded();
        assertThat(queued("heir")).isEmpty();
        SERVER.execute("UPDATE node SET last_epoch = NULL");
        rig.sweep.sweepEnded(); // those behind what was offered in vain, of which there are none
        rig.sweep.sweepEnded();
        assertThat(queued("heir")).containsExactlyInAnyOrderElementsOf(texts);
    }

    private Copy copy(String clientId) {
        return new Copy(clientId, Copy.ANY_SESSION, ONE, false, List.of(), null);
    }

    private double dropped(String which) {
        return rig.meters
                .get("sluice.queue.dropped")
                .tag("which", which)
                .counter()
                .count();
    }
}

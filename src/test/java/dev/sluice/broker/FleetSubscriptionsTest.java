package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.broker.routing.Router;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage.Subscribed;
import dev.sluice.cluster.RelayMessage.Unsubscribed;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreRig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.JournalWrite.Subscribe;
import dev.sluice.store.journal.JournalWrite.Unsubscribe;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.store.session.SubscriptionReader;
import dev.sluice.topic.TopicFilter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What one gateway knows of the stored sessions of another: both in one JVM, on one PostgreSQL. */
@Tag("postgres")
class FleetSubscriptionsTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private final LocalRelay.Board board = new LocalRelay.Board();
    private final LocalRelay relayHere = new LocalRelay(board, "here");
    private final LocalRelay relayThere = new LocalRelay(board, "there");
    private final Router router = new Router();
    private final BrokerMeters meters = new BrokerMeters(new SimpleMeterRegistry());
    private final StoredFilters filters = new StoredFilters(8, meters);
    private StoreRig rig;
    private FleetSubscriptions here;
    private FleetSubscriptions there;
    private volatile boolean isKafkaThere = true;
    /** While all are read: before one is told, which is of a page that was read before, and behind it. */
    private volatile Runnable beforeOneIsTold = () -> {};

    private volatile Runnable onceOneIsTold = () -> {};

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        var observed = new SubscriptionReader(rig.requests) {
            @Override
            public void all(Listener tell, BooleanSupplier isOver) {
                Listener each = (clientId, session, epoch, subscription) -> {
                    beforeOneIsTold.run();
                    tell.take(clientId, session, epoch, subscription);
                    onceOneIsTold.run();
                };
                super.all(each, isOver);
            }
        };
        here = new FleetSubscriptions(
                router,
                observed,
                relayHere,
                relayHere,
                filters,
                meters,
                () -> isKafkaThere,
                session -> router.forget(session.clientId(), session.id()));
        there = new FleetSubscriptions(
                new Router(), rig.subscriptions, relayThere, relayThere, filters, meters, () -> true, _ -> {});
        relayHere.join();
        relayThere.join();
    }

    @AfterEach
    void stop() {
        here.stop();
        rig.close();
        relayHere.close();
        relayThere.close();
    }

    private static StoredSubscription to(String filter) {
        return new StoredSubscription(filter, QoS.AT_LEAST_ONCE, false, false, 0, 0);
    }

    private List<String> clients(String topic) {
        return router.publication(Messages.message(topic, "m"), null).copies().stream()
                .map(Copy::clientId)
                .sorted()
                .toList();
    }

    /** A client that is connected there. */
    private Line open(String clientId) {
        var opened = rig.open(clientId, false, 3600);
        return new Line(clientId, opened.id(), opened.epoch());
    }

    private void write(Line line, String... subscriptions) {
        var some =
                List.of(subscriptions).stream().map(FleetSubscriptionsTest::to).toList();
        var outcome = rig.submit(done -> new Subscribe(line.clientId(), line.epoch(), some, done));
        assertThat(outcome.join()).isEqualTo(Outcome.COMMITTED);
    }

    private void writeEnd(Line line, String... ended) {
        var outcome = rig.submit(done -> new Unsubscribe(line.clientId(), line.epoch(), List.of(ended), done));
        assertThat(outcome.join()).isEqualTo(Outcome.COMMITTED);
    }

    private void subscribe(Line line, String... subscriptions) {
        write(line, subscriptions);
        var seen = new CompletableFuture<Void>();
        var some =
                List.of(subscriptions).stream().map(FleetSubscriptionsTest::to).toList();
        there.subscribed(line, some, () -> seen.complete(null));
        seen.orTimeout(60, TimeUnit.SECONDS).join();
    }

    private void unsubscribe(Line line, String... ended) {
        writeEnd(line, ended);
        there.unsubscribed(line, List.of(ended), () -> {});
        hear();
    }

    /** What others have told by now is applied. */
    private void hear() {
        var done = new CompletableFuture<Void>();
        relayHere.execute(() -> done.complete(null));
        done.orTimeout(60, TimeUnit.SECONDS).join();
    }

    /** What others have told by now is applied, and what has to be read again is read. */
    private void settle() {
        hear();
        here.readWhatIsMissing();
    }

    @Test
    void whatIsAcknowledgedThereIsKnownHere() {
        var c = open("c");
        subscribe(c, "t", "a/+");
        assertThat(clients("t")).containsExactly("c");
        assertThat(clients("a/b")).containsExactly("c");
        unsubscribe(c, "t");
        assertThat(clients("t")).isEmpty();
        assertThat(clients("a/b")).containsExactly("c");
    }

    @Test
    void aGatewayThatIsAloneTellsNobody() {
        relayHere.leave();
        subscribe(open("c"), "t");
        assertThat(relayThere.sent()).isEmpty();
    }

    @Test
    void sessionsThatEndThereAreForgottenHere() {
        var c = open("c");
        subscribe(c, "t");
        there.ended(List.of(new EndedSession("c", c.sessionId())));
        settle();
        assertThat(router.find("c")).isNull();
    }

    @Test
    void aSessionThatIsBegunAnewReplacesTheOldOne() {
        var old = open("c");
        subscribe(old, "old");
        var opened = rig.open("c", true, 3600);
        subscribe(new Line("c", opened.id(), opened.epoch()), "new");
        there.ended(List.of(new EndedSession("c", old.sessionId())));
        settle();
        assertThat(clients("old")).isEmpty();
        assertThat(clients("new")).containsExactly("c");
    }

    /** Its gateway hears of the commit only after the client has moved on, and has changed its mind. */
    @Test
    void whatIsToldTooLateIsReadAgain() {
        var first = open("c");
        write(first, "t");
        var second = open("c");
        unsubscribe(second, "t");
        subscribe(second, "other");
        there.subscribed(first, List.of(to("t")), () -> {});
        settle();
        assertThat(clients("t")).isEmpty();
        assertThat(clients("other")).containsExactly("c");

        writeEnd(second, "other");
        var third = open("c");
        subscribe(third, "other");
        there.unsubscribed(second, List.of("other"), () -> {});
        settle();
        assertThat(clients("other")).containsExactly("c");
    }

    @Test
    void aConnectionHereKnowsBetterThanNewsOfEarlierOnes() {
        var first = open("c");
        write(first, "t");
        var opened = rig.open("c", false, 3600);
        var later = new Line("c", opened.id(), opened.epoch());
        router.attach(later, true, true, opened.subscriptions());
        there.unsubscribed(first, List.of("t"), () -> {});
        settle();
        assertThat(clients("t")).containsExactly("c");
    }

    @Test
    void whatWasMissedIsReadAfterAGap() {
        var c = open("c");
        subscribe(c, "t", "u");
        var kept = open("kept");
        subscribe(kept, "t");
        write(c, "new"); // and nobody tells
        writeEnd(c, "u");
        var d = open("d");
        write(d, "new");

        relayHere.gap(relayThere.self());
        settle();

        assertThat(clients("t")).containsExactly("c", "kept");
        assertThat(clients("u")).isEmpty();
        assertThat(clients("new")).containsExactly("c", "d");
    }

    /** A gap that comes later, and is mended, stops nobody. */
    @Test
    void onlyWhatWasToldBeforeThisGatewayJoinedIsWaitedFor() {
        relayHere.gap(relayThere.self());
        hear();
        assertThat(here.isComplete()).isFalse();
        settle();
        assertThat(here.isComplete()).isTrue();
        relayHere.gap(relayThere.self());
        relayThere.restate();
        relayHere.gap(relayThere.self());
        hear();
        assertThat(here.isComplete()).isTrue();
    }

    @Test
    void whatADeadGatewayCouldNotTellIsRead() {
        here.start();
        write(open("c"), "t");
        relayThere.leave();
        await().until(() -> clients("t").equals(List.of("c")));
    }

    @Test
    void whatOthersCannotTellWhileKafkaIsAwayIsRead() {
        var c = open("c");
        write(c, "t");
        isKafkaThere = false;
        here.start();
        await().until(() -> clients("t").equals(List.of("c")));
        writeEnd(c, "t");
        await().until(() -> clients("t").isEmpty());
    }

    /** The answer of PostgreSQL may be older than the news. */
    @Test
    void whatIsToldWhileAllAreReadIsNotUndone() {
        SERVER.execute(
                "INSERT INTO session (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, created_at,"
                        + " connected_at) SELECT nextval('session_epoch'), 'c' || n, 1, 'n', false, false, 5, 3600, now(), now()"
                        + " FROM generate_series(0, 2999) n");
        SERVER.execute(
                "INSERT INTO subscription (session_id, filter, qos, no_local, retain_as_published, retain_handling, identifier)"
                        + " SELECT id, 't', 1, false, false, 0, 0 FROM session");
        var loaded = CompletableFuture.runAsync(here::load, Thread::startVirtualThread);
        // The row goes while the pages are read, and the word of it comes in between.
        SERVER.execute(
                "DELETE FROM subscription WHERE session_id = (SELECT id FROM session WHERE client_id = 'c2999')");
        var id = Long.parseLong(SERVER.value("SELECT id FROM session WHERE client_id = 'c2999'"));
        there.unsubscribed(new Line("c2999", id, 2), List.of("t"), () -> {});
        loaded.orTimeout(60, TimeUnit.SECONDS).join();
        settle();
        assertThat(clients("t")).hasSize(2999).doesNotContain("c2999");
    }

    /** Its row has been read, and the client leaves before that is told. */
    @Test
    void whatChangesHereWhileAllAreReadIsNotUndone() {
        var c = open("c");
        write(c, "t", "kept");
        router.attach(c, true, true, List.of(to("t"), to("kept")));
        beforeOneIsTold = () -> {
            beforeOneIsTold = () -> {};
            router.unsubscribe(c, TopicFilter.of("t"));
            writeEnd(c, "t");
            here.unsubscribed(c, List.of("t"), () -> {});
            router.detach(c, false);
        };
        here.load();
        assertThat(clients("t")).isEmpty();
        assertThat(clients("kept")).containsExactly("c");
    }

    /** What was read of it before PostgreSQL went away is told, and not read a second time. */
    @Test
    void whatChangesBetweenTwoAttemptsToReadAllIsNotUndone() {
        var c = open("c");
        write(c, "t");
        write(open("kept"), "kept");
        onceOneIsTold = () -> {
            onceOneIsTold = () -> {};
            writeEnd(c, "t");
            here.unsubscribed(c, List.of("t"), () -> {});
            throw new StoreUnavailable("away", null);
        };
        here.start();
        assertThat(here.isComplete()).isFalse();
        await().until(here::isComplete);
        assertThat(clients("t")).isEmpty();
        assertThat(clients("kept")).containsExactly("kept");
    }

    /** Kafka takes no record above a megabyte. */
    @Test
    void manyLongFiltersAreToldInParts() {
        var c = open("c");
        var many = IntStream.range(0, 40)
                .mapToObj(n -> n + "/" + "x".repeat(20_000))
                .toArray(String[]::new);
        subscribe(c, many);
        assertThat(relayThere.sent()).hasSizeGreaterThan(3).allSatisfy(letter -> assertThat(
                        ((Subscribed) letter).subscriptions())
                .hasSizeLessThan(14));
        for (var filter : many) assertThat(clients(filter)).containsExactly("c");
        unsubscribe(c, many);
        assertThat(relayThere.sent()).last().isInstanceOf(Unsubscribed.class);
        assertThat(router.find("c")).isNull();
    }

    /** Another gateway may allow more. */
    @Test
    void whatIsAboveTheBoundsIsSkipped() {
        subscribe(open("c"), "1/2/3/4/5/6/7/8/9", "t");
        assertThat(clients("1/2/3/4/5/6/7/8/9")).isEmpty();
        assertThat(clients("t")).containsExactly("c");
    }
}

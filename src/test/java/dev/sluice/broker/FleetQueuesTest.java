package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.broker.routing.Router;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.packet.QoS;
import dev.sluice.session.Event;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.Copy;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Messages that one gateway commits for clients of another: both in one JVM, on one PostgreSQL. */
@Tag("postgres")
class FleetQueuesTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private final LocalRelay.Board board = new LocalRelay.Board();
    private final LocalRelay relayHere = new LocalRelay(board, "here");
    private final LocalRelay relayThere = new LocalRelay(board, "there");

    private final Router router = new Router();
    private final ConnectionRegistry<Line> registry =
            new ConnectionRegistry<>(_ -> CompletableFuture.completedFuture(0L));
    private final AtomicBoolean isKafkaThere = new AtomicBoolean(true);
    private StoreRig rig;
    private FleetQueues here;
    private FleetQueues there;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        here = queues(new Router(), relayHere);
        there = queues(router, relayThere);
        // The journal of the rig stands for that of the gateway here.
        rig.journal.onQueuedElsewhere(here::tell);
        relayHere.join();
        relayThere.join();
    }

    private FleetQueues queues(Router of, LocalRelay self) {
        return new FleetQueues(
                of,
                registry::online,
                rig.queues,
                self,
                self,
                isKafkaThere::get,
                new BrokerMeters(new SimpleMeterRegistry()));
    }

    @AfterEach
    void stop() {
        there.stop();
        rig.close();
        relayHere.close();
        relayThere.close();
    }

    /** A client that is connected there. */
    private Line online(String clientId) {
        var opened = rig.open(clientId, false, 3600);
        SERVER.execute("UPDATE session SET node = 'there' WHERE client_id = '" + clientId + "'");
        var line = new Line(clientId, opened.id(), opened.epoch());
        router.attach(line, false, true, List.of());
        registry.online(line);
        return line;
    }

    private void publish(String clientId) {
        var id = Long.parseLong(SERVER.value("SELECT id FROM session WHERE client_id = '" + clientId + "'"));
        var copy = new Copy(clientId, id, QoS.AT_LEAST_ONCE, false, List.of(), null);
        rig.accept("p", Messages.message("t", "m"), copy).join();
    }

    private static void settle(LocalRelay relay) {
        var done = new CompletableFuture<Void>();
        relay.execute(() -> done.complete(null));
        done.orTimeout(60, TimeUnit.SECONDS).join();
    }

    @Test
    void aMessageThatIsCommittedElsewhereIsToldToItsClient() {
        var one = online("one");
        var other = online("other");
        publish("one");
        publish("one");
        publish("other");
        settle(relayThere);
        assertThat(one.told()).containsExactly(new Event.Queued(1), new Event.Queued(2));
        assertThat(other.told()).containsExactly(new Event.Queued(1));
        assertThat(router.find("one").lastSeq()).isEqualTo(2);
    }

    /** Nobody is told: what the next connection finds is in PostgreSQL. */
    @Test
    void nobodyIsToldWhoIsGoneOrHasAnotherSession() {
        var one = online("one");
        relayThere.ignore();
        publish("one");
        router.detach(one, false);
        var opened = rig.open("one", true, 3600);
        var next = new Line("one", opened.id(), opened.epoch());
        router.attach(next, false, true, List.of());
        relayThere.listen();
        settle(relayThere);
        assertThat(one.told()).isEmpty();
        assertThat(next.told()).isEmpty();
    }

    @Test
    void aDeadGatewayIsToldNothing() {
        online("one");
        SERVER.execute("UPDATE session SET node = 'dead'");
        publish("one");
        assertThat(relayHere.sent()).isEmpty();
    }

    @Test
    void allQueuesAreLookedAtWhenALetterMayBeMissing() {
        var one = online("one");
        var known = online("known");
        publish("known");
        settle(relayThere);
        relayHere.fail(true);
        publish("one");
        there.look();
        assertThat(one.told()).isEmpty();

        relayThere.gap(relayHere.self());
        settle(relayThere);
        there.look();

        assertThat(one.told()).containsExactly(new Event.Queued(1));
        assertThat(known.told()).as("it knows already").hasSize(1);
        there.look();
        assertThat(one.told()).as("once").hasSize(1);
    }

    @Test
    void whatTheRelayHadNoRoomForIsToldAgain() {
        var one = online("one");
        relayHere.fail(true);
        publish("one");
        publish("one");
        here.look();
        relayHere.fail(false);
        here.look();
        here.look();
        settle(relayThere);
        assertThat(one.told()).containsExactly(new Event.Queued(2));
    }

    @Test
    void allQueuesAreLookedAtWhileKafkaIsAway() {
        var one = online("one");
        isKafkaThere.set(false);
        relayHere.fail(true);
        publish("one");
        there.look();
        assertThat(one.told()).containsExactly(new Event.Queued(1));
    }

    /** Who commits does not see the open, and who opens does not see the message. */
    @Test
    void aQueueIsLookedAtAfterItsSessionWasOpened() {
        var one = online("one");
        SERVER.execute("UPDATE session SET connected = false");
        there.opened(new EndedSession("one", one.sessionId()));
        publish("one");
        there.start();
        await().until(() -> one.told().contains(new Event.Queued(1)));
    }

    @Test
    void manyAreToldInOneLetter() {
        for (int i = 0; i < 20; i++) online("c" + i);
        var copies = IntStream.range(0, 20)
                .mapToObj(n -> new Copy("c" + n, Copy.ANY_SESSION, QoS.AT_LEAST_ONCE, false, List.of(), null))
                .toArray(Copy[]::new);
        rig.accept("p", Messages.message("t", "m"), copies).join();
        assertThat(relayHere.sent()).singleElement().satisfies(letter -> assertThat(((Queued) letter).places())
                .hasSize(20));
    }
}

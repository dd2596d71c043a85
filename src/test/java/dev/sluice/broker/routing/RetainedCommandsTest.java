package dev.sluice.broker.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Offer;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A retained command, for clients of another gateway that subscribe before PostgreSQL has it: they find nothing when they read what is
 * retained.
 */
@Tag("postgres")
class RetainedCommandsTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final List<StoredSubscription> SUBSCRIPTION =
            List.of(new StoredSubscription("c/+", QoS.AT_LEAST_ONCE, false, false, 0, 0));

    private final LocalRelay.Board board = new LocalRelay.Board();
    private final LocalRelay here = new LocalRelay(board, "here");
    private final LocalRelay there = new LocalRelay(board, "there");
    private final Router router = new Router();
    private final CompletableFuture<TrackedDelivery.Outcome> outcome = new CompletableFuture<>();
    private StoreRig rig;
    private RemoteRouting remote;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        remote = RemoteRouting.join(here, here, router, new Deliveries(10), rig.journal, new SimpleMeterRegistry());
        here.join();
        there.join();
    }

    @AfterEach
    void stop() {
        here.close();
        there.close();
        rig.close();
    }

    /** What a gateway hears of a session of another one. */
    private long subscribe(String clientId) {
        var session = rig.open(clientId, false, 60);
        router.restore(clientId, session.id(), 0, SUBSCRIPTION);
        return session.id();
    }

    private TrackedDelivery track(Set<SubscriberKey> reached) {
        var message = new Message(
                TopicName.of("c/1"), QoS.AT_LEAST_ONCE, true, Properties.NONE, new byte[] {1}, Message.NEVER);
        return remote.track(message, reached, outcome::complete);
    }

    private TrackedDelivery.Outcome finish(TrackedDelivery delivery) {
        delivery.start("commands-0", true);
        await().until(() -> {
            delivery.retry();
            return outcome.isDone();
        });
        return outcome.join();
    }

    private String queued() {
        return SERVER.value("SELECT string_agg(session_id::text, ' ' ORDER BY session_id) FROM queued");
    }

    private static SubscriberKey client(String clientId) {
        return new SubscriberKey(clientId, null);
    }

    @Test
    void sessionsThatHaveSubscribedMeanwhileGetIt() {
        subscribe("reached before");
        var known = subscribe("known");
        var delivery = track(Set.of(client("reached before")));
        var newcomer = subscribe("newcomer");
        assertThat(finish(delivery))
                .isEqualTo(
                        new TrackedDelivery.Outcome.Settled(Set.of(client("known"), client("newcomer")), 2, 0, 0, 0));
        assertThat(queued()).isEqualTo(known + " " + newcomer);
    }

    /** Whoever has its partition now gives it: it is neither retained, nor refused for good. */
    @Test
    void aCommandOfAGatewayThatWasTakenForDeadIsTriedAgain() {
        subscribe("known");
        rig.run.begin(SERVER.register());
        SERVER.execute("UPDATE node SET last_epoch = nextval('session_epoch')");
        assertThat(finish(track(Set.of()))).isEqualTo(new TrackedDelivery.Outcome.Fenced());
        assertThat(queued()).isNull();
        assertThat(SERVER.value("SELECT count(*) FROM retained")).isEqualTo("0");
    }

    @Test
    void gatewaysWhoseClientsHaveSubscribedMeanwhileAreOfferedIt() {
        var delivery = track(Set.of());
        var seen = new CompletableFuture<Void>();
        there.announce(new Interest(List.of(new Wanted("c/+", Reach.ALL))), () -> seen.complete(null));
        seen.orTimeout(60, TimeUnit.SECONDS).join();
        delivery.start("commands-0", true);
        await().until(() -> here.sent().stream().anyMatch(Offer.class::isInstance));
        assertThat(SERVER.value("SELECT count(*) FROM retained")).isEqualTo("1");
    }
}

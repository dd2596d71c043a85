package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.JournalWrite.Subscribe;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.store.session.SubscriptionReader;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A gateway whose stored subscriptions take long to read, while clients come. */
@Tag("postgres")
class StartingBrokerTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private final CountDownLatch mayRead = new CountDownLatch(1);
    private StoreRig store;
    private BrokerRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        store = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        var slow = new SubscriptionReader(store.requests) {
            @Override
            public void all(Listener tell, BooleanSupplier isOver) {
                try {
                    mayRead.await();
                } catch (InterruptedException end) {
                    throw new IllegalStateException(end);
                }
                super.all(tell, isOver);
            }
        };
        var relay = new LocalRelay(new LocalRelay.Board(), "here");
        rig = new BrokerRig(relay, store, store.retainedTopics, slow, Map.of("unmatched", "drop"), Map.of());
    }

    @AfterEach
    void stop() {
        mayRead.countDown();
        rig.broker.stop(null);
        rig.close();
        store.close();
    }

    /** A session of a client that is offline. */
    private void store(String clientId, String filter) {
        var opened = store.open(clientId, false, 3600);
        var subscription = new StoredSubscription(filter, QoS.AT_LEAST_ONCE, false, false, 0, 0);
        var stored = store.submit(done -> new Subscribe(clientId, opened.epoch(), List.of(subscription), done));
        assertThat(stored.join()).isEqualTo(Outcome.COMMITTED);
    }

    @Test
    void clientsAreAnsweredAndOnlyWhatTheyPublishWaits() {
        store("away", "t");
        store.retain(Messages.message("old", "retained")).join();
        rig.broker.start(null);

        var client = rig.connect("c", false);
        client.subscribe(1, QoS.AT_LEAST_ONCE, "old", "own").next(Packet.SubAck.class);
        assertThat(client.next(Packet.Publish.class).topicName()).hasToString("old");
        client.publish(2, QoS.AT_LEAST_ONCE, false, "t", "m");
        client.hasGotNothing();
        assertThat(rig.broker.hasLoaded()).isFalse();

        mayRead.countDown();
        client.next(Packet.PubAck.class);
        assertThat(rig.broker.hasLoaded()).isTrue();
        assertThat(SERVER.value(
                        "SELECT string_agg(client_id, ',') FROM queued q JOIN session s ON s.id = q.session_id"))
                .isEqualTo("away");
    }
}

package dev.sluice.broker.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.broker.routing.TrackedDelivery.Outcome;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage.Lagging;
import dev.sluice.cluster.RelayMessage.Withdrawn;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.session.Delivery;
import dev.sluice.session.Receipt;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Commands for clients that are connected to another gateway: two in one JVM. */
class OffersTest {
    private final LocalRelay.Board board = new LocalRelay.Board();
    private final List<At> started = new ArrayList<>();
    private final At owner = new At("owner");
    private final At other = new At("other");
    private final List<Outcome> outcomes = new CopyOnWriteArrayList<>();

    /** A gateway, as far as it routes. */
    private final class At {
        private final LocalRelay relay;
        private final Router router = new Router();
        private final RemoteRouting fleet;

        At(String id) {
            relay = new LocalRelay(board, id);
            fleet = RemoteRouting.join(relay, relay, router, new Deliveries(10), null, new SimpleMeterRegistry());
            relay.join();
            fleet.offers().start();
            started.add(this);
        }

        Device subscribe(String clientId, String filter) {
            var device = new Device(clientId);
            router.subscribe(
                    device,
                    false,
                    TopicFilter.of(filter),
                    new StoredSubscription(filter, QoS.AT_LEAST_ONCE, false, false, 0, 0));
            var seen = new CountDownLatch(1);
            if (fleet.interest().awaitSeen(device, List.of(TopicFilter.of(filter)), seen::countDown))
                await().until(() -> seen.getCount() == 0);
            return device;
        }
    }

    /** A connection that answers when the test says so. */
    private static final class Device implements FakeRecipient {
        private final String clientId;
        private final Queue<Delivery> taken = new ConcurrentLinkedQueue<>();

        Device(String clientId) {
            this.clientId = clientId;
        }

        void answer(Receipt.Outcome outcome) {
            await(clientId).until(() -> !taken.isEmpty());
            taken.remove().receipt().settle(outcome);
        }

        @Override
        public String clientId() {
            return clientId;
        }

        @Override
        public void delivered(Delivery delivery) {
            taken.add(delivery);
        }
    }

    @AfterEach
    void close() {
        for (var gateway : started) {
            gateway.fleet.offers().stop();
            gateway.relay.close();
        }
    }

    private TrackedDelivery offer(String topic, Set<SubscriberKey> reached) {
        var message = new Message(
                TopicName.of(topic), QoS.AT_LEAST_ONCE, false, Properties.NONE, new byte[] {1}, Message.NEVER);
        var delivery = owner.fleet.track(message, reached, outcomes::add);
        delivery.start("commands-0", false);
        return delivery;
    }

    private Outcome outcome() {
        await().until(() -> !outcomes.isEmpty());
        return outcomes.removeFirst();
    }

    private static SubscriberKey client(String clientId) {
        return new SubscriberKey(clientId, null);
    }

    @Test
    void isSettledOnceTheDevicesOfAllGatewaysHaveAnswered() {
        var here = owner.subscribe("here", "c/1");
        var there = other.subscribe("there", "c/+");
        var away = other.subscribe("away", "c/1");
        offer("c/1", Set.of());
        here.answer(Receipt.Outcome.DELIVERED);
        there.answer(Receipt.Outcome.REJECTED);
        assertThat(outcomes).isEmpty();
        away.answer(Receipt.Outcome.LOST);
        assertThat(outcome()).isEqualTo(new Outcome.Settled(Set.of(client("here"), client("there")), 1, 1, 0, 1));

        offer("c/1", Set.of(client("here"), client("there")));
        away.answer(Receipt.Outcome.DELIVERED);
        assertThat(outcome()).isEqualTo(new Outcome.Settled(Set.of(client("away")), 1, 0, 0, 0));
        assertThat(here.taken).isEmpty();
        assertThat(there.taken).isEmpty();
    }

    @Test
    void findsNobodyWhereNobodyIsAnyMore() {
        offer("c/1", Set.of());
        assertThat(outcome()).isEqualTo(new Outcome.Nobody());

        var there = other.subscribe("there", "c/1");
        owner.relay.ignore(); // so that it still believes that somebody is there
        other.router.detach(there, true);
        offer("c/1", Set.of());
        owner.relay.listen();
        assertThat(outcome()).isEqualTo(new Outcome.Nobody());
    }

    @Test
    void aMemberOfASharedSubscriptionThereGetsIt() {
        var one = other.subscribe("one", "$share/g/c/1");
        offer("c/1", Set.of());
        one.answer(Receipt.Outcome.DELIVERED);
        assertThat(outcome())
                .isEqualTo(new Outcome.Settled(Set.of(new SubscriberKey(null, "$share/g/c/1")), 1, 0, 0, 0));
    }

    @Test
    void isLostWithTheGatewayThatItWasOfferedTo() {
        var there = other.subscribe("there", "c/1");
        offer("c/1", Set.of());
        await().until(() -> !there.taken.isEmpty());
        other.relay.leave();
        assertThat(outcome()).isEqualTo(new Outcome.Settled(Set.of(), 0, 0, 0, 1));
    }

    @Test
    void isLostIfTheGatewayCannotBeTold() {
        other.subscribe("there", "c/1");
        owner.relay.fail(true);
        offer("c/1", Set.of());
        assertThat(outcome()).isEqualTo(new Outcome.Settled(Set.of(), 0, 0, 0, 1));
    }

    @Test
    void isAnsweredOnceThereIsRoomForTheAnswer() {
        var there = other.subscribe("there", "c/1");
        offer("c/1", Set.of());
        other.relay.fail(true);
        var said = other.relay.sent().size();
        there.answer(Receipt.Outcome.DELIVERED);
        await().until(() -> other.relay.sent().size() > said);
        assertThat(outcomes).isEmpty();
        other.relay.fail(false);
        assertThat(outcome()).isEqualTo(new Outcome.Settled(Set.of(client("there")), 1, 0, 0, 0));
    }

    /** Nobody waits for it a second time. */
    @Test
    void saysWhoseDevicesDoNotAcknowledge() {
        var there = other.subscribe("there", "c/1");
        var first = offer("c/1", Set.of());
        await().until(() -> !there.taken.isEmpty());
        assertThat(first.isOwedOnlyToNotAcknowledging()).isFalse();
        assertThat(first.giveUp()).isTrue();
        await().until(() -> owner.relay.sent().stream().anyMatch(Withdrawn.class::isInstance));
        there.taken.clear();

        var second = offer("c/1", Set.of());
        await("lagging").until(second::isOwedOnlyToNotAcknowledging);
        assertThat(other.relay.sent()).anyMatch(Lagging.class::isInstance);
        there.answer(Receipt.Outcome.DELIVERED);
        assertThat(outcome()).isEqualTo(new Outcome.Settled(Set.of(client("there")), 1, 0, 0, 0));

        var third = offer("c/1", Set.of());
        await().until(() -> !there.taken.isEmpty());
        assertThat(third.isOwedOnlyToNotAcknowledging()).as("it has answered").isFalse();
    }
}

package dev.sluice.broker.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What gateways give each other for connected clients; three in one JVM. */
class RemoteRoutingTest {
    private final LocalRelay.Board board = new LocalRelay.Board();
    private final At here = new At("here");
    private final At there = new At("there");
    private final At elsewhere = new At("elsewhere");

    /** A gateway, as far as it routes. */
    private final class At {
        private final LocalRelay relay;
        private final Router router = new Router();
        private final Deliveries deliveries = new Deliveries(10);
        private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
        private final RemoteRouting remote;

        At(String id) {
            relay = new LocalRelay(board, id);
            remote = RemoteRouting.join(relay, relay, router, deliveries, null, meters);
            relay.join();
        }

        LivingMember subscribe(LivingMember client, boolean durable, StoredSubscription stored) {
            var filter = TopicFilter.of(stored.filter());
            router.subscribe(client, durable, filter, stored);
            var seen = new CountDownLatch(1);
            if (remote.interest().awaitSeen(List.of(filter), seen::countDown))
                await().until(() -> seen.getCount() == 0);
            return client;
        }

        LivingMember subscribe(String clientId, String filter) {
            return subscribe(new LivingMember(clientId), false, to(filter, QoS.EXACTLY_ONCE));
        }

        void publish(String publisher, Message message) {
            var publication = remote.router()
                    .route(message.topicName(), publisher, message.qos())
                    .publication(message, 0);
            deliveries.send(publication);
            remote.deliveries().send(publication, publisher, _ -> {});
        }

        void publish(String topic, QoS qos, int number) {
            publish("publisher", message(topic, qos, number));
        }

        boolean isForNobodyElsewhere(String topic) {
            return remote.router()
                    .route(TopicName.of(topic), null, QoS.AT_MOST_ONCE)
                    .remote()
                    .isEmpty();
        }

        /** All that the others have sent by now has been taken in. */
        void settle() {
            var done = new CountDownLatch(1);
            relay.execute(done::countDown);
            await().until(() -> done.getCount() == 0);
        }

        double count(String meter) {
            return meters.get(meter).counters().stream()
                    .mapToDouble(it -> it.count())
                    .sum();
        }
    }

    private static StoredSubscription to(String filter, QoS qos) {
        return new StoredSubscription(filter, qos, false, false, 0, 0);
    }

    private static Message message(String topic, QoS qos, int number) {
        var payload = Integer.toString(number).getBytes();
        return new Message(TopicName.of(topic), qos, false, Properties.NONE, payload, Message.NEVER);
    }

    private static List<String> numbers(int to) {
        return IntStream.range(0, to).mapToObj(Integer::toString).toList();
    }

    @BeforeEach
    void know() {
        for (var at : List.of(here, there, elsewhere)) at.settle();
    }

    @AfterEach
    void close() {
        for (var at : List.of(here, there, elsewhere)) at.relay.close();
    }

    @Test
    void aMessageGoesOnceToEachGatewayThatWantsIt() {
        var one = there.subscribe("one", "a/#");
        var two = there.subscribe("two", "+/b");
        there.subscribe("three", "b");
        for (int i = 0; i < 9; i++) here.publish("a/b", QoS.of(i % 3), i);
        there.settle();
        assertThat(one.taken).isEqualTo(numbers(9));
        assertThat(two.taken).isEqualTo(numbers(9));
        assertThat(one.deliveries.get(1).qos()).isEqualTo(QoS.AT_LEAST_ONCE);
        assertThat(here.relay.sent()).filteredOn(Live.class::isInstance).hasSize(9);
        assertThat(here.meters
                        .get("sluice.remote.messages")
                        .tags("direction", "sent", "qos", "2")
                        .counter()
                        .count())
                .isEqualTo(3);
        assertThat(there.count("sluice.remote.messages")).isEqualTo(9);
        here.publish("c", QoS.AT_LEAST_ONCE, 9);
        assertThat(here.count("sluice.remote.messages")).as("nobody wants it").isEqualTo(9);
    }

    @Test
    void optionsHoldAcrossGateways() {
        var noLocal = new StoredSubscription("a", QoS.AT_LEAST_ONCE, true, false, 0, 7);
        var own = there.subscribe(new LivingMember("publisher"), false, noLocal);
        var asPublished = new StoredSubscription("#", QoS.AT_MOST_ONCE, false, true, 0, 8);
        var other = there.subscribe(new LivingMember("other"), false, asPublished);
        there.subscribe(other, false, new StoredSubscription("a", QoS.AT_LEAST_ONCE, false, false, 0, 9));
        var message = new Message(
                TopicName.of("a"), QoS.EXACTLY_ONCE, true, Properties.NONE, new byte[] {'0'}, Message.NEVER);
        here.publish("publisher", message);
        there.settle();
        assertThat(own.taken).isEmpty();
        var delivery = other.deliveries.getFirst();
        assertThat(delivery.retain()).isTrue();
        assertThat(delivery.qos()).isEqualTo(QoS.AT_LEAST_ONCE);
        assertThat(delivery.subscriptionIdentifiers()).containsExactlyInAnyOrder(8, 9);
        assertThat(other.taken).hasSize(1);
    }

    @Test
    void whatPostgresKeepsIsNotGivenBesides() {
        var durable = there.subscribe(new LivingMember("durable"), true, to("a", QoS.AT_LEAST_ONCE));
        here.publish("a", QoS.AT_LEAST_ONCE, 1);
        here.publish("a", QoS.AT_MOST_ONCE, 2);
        there.settle();
        assertThat(durable.taken).containsExactly("2");
        there.subscribe("live", "a");
        here.publish("a", QoS.AT_LEAST_ONCE, 3);
        there.settle();
        assertThat(durable.taken).containsExactly("2");
        assertThat(here.count("sluice.remote.messages")).isEqualTo(2);
    }

    @Test
    void whoIsGoneGetsNothing() {
        var one = there.subscribe("one", "a");
        there.relay.ignore();
        here.publish("a", QoS.AT_LEAST_ONCE, 0);
        there.router.detach(one, true);
        there.relay.listen();
        there.settle();
        assertThat(one.taken).isEmpty();
        assertThat(there.count("sluice.remote.missed")).isEqualTo(1);
        await().until(() -> here.isForNobodyElsewhere("a"));
        here.publish("a", QoS.AT_LEAST_ONCE, 1);
        there.settle();
        assertThat(there.count("sluice.remote.messages")).isEqualTo(1);
    }

    @Test
    void aGatewayThatIsForgottenIsSentNothing() {
        there.subscribe("one", "a");
        there.relay.leave();
        here.settle();
        here.publish("a", QoS.AT_LEAST_ONCE, 0);
        assertThat(here.count("sluice.remote.messages")).isZero();
    }

    @Test
    void whoJoinsKnowsWhatOthersWant() {
        var one = here.subscribe("one", "a");
        var late = new At("late");
        here.settle();
        late.settle();
        late.publish("a", QoS.AT_LEAST_ONCE, 0);
        here.settle();
        assertThat(one.taken).containsExactly("0");
        late.relay.close();
    }

    /** Event loops that do not look at what they are given. */
    @Test
    void whatThereIsNoRoomForIsDroppedAndCounted() {
        var stuck = new ArrayList<Runnable>();
        var one = new LivingMember("one") {
            @Override
            public Executor loop() {
                return stuck::add;
            }
        };
        there.subscribe(one, false, to("a", QoS.AT_LEAST_ONCE));
        for (int i = 0; i < 15; i++) here.publish("a", QoS.AT_MOST_ONCE, i);
        there.settle();
        assertThat(stuck).hasSize(10);
        for (int i = 10; i < 30; i++) here.publish("a", QoS.AT_LEAST_ONCE, i);
        there.settle();
        assertThat(stuck).hasSize(20);
        assertThat(there.count("sluice.remote.dropped")).isEqualTo(15);
        stuck.forEach(Runnable::run);
        assertThat(one.taken).isEqualTo(numbers(20));
    }

    @Test
    void aReadyMemberHereComesFirst() {
        var near = here.subscribe("near", "$share/g/a");
        var far = there.subscribe("far", "$share/g/a");
        for (int i = 0; i < 4; i++) here.publish("a", QoS.AT_LEAST_ONCE, i);
        there.settle();
        assertThat(near.taken).isEqualTo(numbers(4));
        here.router.detach(near, true);
        here.subscribe(new LivingMember("busy").notReady(), false, to("$share/g/a", QoS.AT_LEAST_ONCE));
        for (int i = 4; i < 8; i++) here.publish("a", QoS.AT_LEAST_ONCE, i);
        there.settle();
        assertThat(far.taken).containsExactly("4", "5", "6", "7");
    }

    @Test
    void gatewaysWithMembersTakeTurns() {
        var one = there.subscribe("one", "$share/g/a");
        var two = elsewhere.subscribe("two", "$share/g/a");
        var own = elsewhere.subscribe("own", "a");
        for (int i = 0; i < 10; i++) here.publish("a", QoS.of(i % 3), i);
        there.settle();
        elsewhere.settle();
        assertThat(one.taken).hasSize(5);
        assertThat(two.taken).hasSize(5).doesNotContainAnyElementsOf(one.taken);
        assertThat(own.taken).isEqualTo(numbers(10));
    }

    /** Of a group that loses nothing, PostgreSQL keeps the message for a member that is known here. */
    @Test
    void aMemberThatIsKeptForIsChosenHere() {
        here.router.restore("away", 1, 0, List.of(to("$share/g/a", QoS.AT_LEAST_ONCE)));
        var far = there.subscribe("far", "$share/g/a");
        var publication = here.remote
                .router()
                .route(TopicName.of("a"), null, QoS.AT_LEAST_ONCE)
                .publication(message("a", QoS.AT_LEAST_ONCE, 0), 0);
        assertThat(publication.hasCopies()).isTrue();
        assertThat(publication.hasRemote()).isFalse();
        here.publish("a", QoS.AT_MOST_ONCE, 1);
        there.settle();
        assertThat(far.taken).containsExactly("1");
    }

    /** The last member there is gone when a message for it comes. */
    @Test
    void whatNoMemberIsLeftForIsPassedOnOnce() {
        var one = there.subscribe("one", "$share/g/a");
        var two = elsewhere.subscribe("two", "$share/g/a");
        there.relay.ignore();
        for (int i = 0; i < 2; i++) here.publish("a", QoS.AT_LEAST_ONCE, i);
        there.router.detach(one, true);
        there.relay.listen();
        there.settle();
        elsewhere.settle();
        assertThat(two.taken).containsExactlyInAnyOrder("0", "1");
        var passedOn = new Live(message("a", QoS.AT_LEAST_ONCE, 2), null, false, List.of("$share/g/a"));
        here.relay.send(there.relay.self(), passedOn, _ -> {});
        there.settle();
        elsewhere.settle();
        assertThat(two.taken).hasSize(2);
        assertThat(there.count("sluice.remote.missed")).isEqualTo(1);
    }
}

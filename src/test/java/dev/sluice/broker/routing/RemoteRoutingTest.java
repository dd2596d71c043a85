package dev.sluice.broker.routing;

import static dev.sluice.broker.routing.RoutingGateway.message;
import static dev.sluice.broker.routing.RoutingGateway.to;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicName;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What gateways give each other for connected clients; three in one JVM. */
class RemoteRoutingTest {
    private final LocalRelay.Board board = new LocalRelay.Board();
    private final RoutingGateway here = new RoutingGateway(board, "here");
    private final RoutingGateway there = new RoutingGateway(board, "there");
    private final RoutingGateway elsewhere = new RoutingGateway(board, "elsewhere");

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
        var late = new RoutingGateway(board, "late");
        here.settle();
        late.settle();
        late.publish("a", QoS.AT_LEAST_ONCE, 0);
        here.settle();
        assertThat(one.taken).containsExactly("0");
        late.relay.close();
    }

    /** Event loops that do not look at what they are given. */
    @Test
    void whatThereIsNoRoomForWaitsAndAtQoS0IsDroppedAndCounted() {
        var stuck = new ConcurrentLinkedQueue<Runnable>();
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
        for (int i = 10; i < 50; i++) here.publish("a", QoS.AT_LEAST_ONCE, i);
        there.settle();
        assertThat(stuck).hasSize(20);
        assertThat(there.count("sluice.remote.dropped")).isEqualTo(5);
        await().until(() -> {
            for (Runnable next; (next = stuck.poll()) != null; ) next.run();
            return one.taken.size() == 50;
        });
        assertThat(one.taken).isEqualTo(numbers(50));
        assertThat(there.count("sluice.remote.dropped")).isEqualTo(5);
    }
}

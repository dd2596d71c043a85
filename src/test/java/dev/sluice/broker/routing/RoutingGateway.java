package dev.sluice.broker.routing;

import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.config.MqttConfig.ShareOrder;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A gateway, as far as it routes: several in one JVM. Used by the test's thread. */
final class RoutingGateway {
    final LocalRelay relay;
    final Router router;
    final Deliveries deliveries = new Deliveries(10);
    final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    final RemoteRouting remote;

    RoutingGateway(LocalRelay.Board board, String id) {
        this(board, id, ShareOrder.NONE);
    }

    RoutingGateway(LocalRelay.Board board, String id, ShareOrder order) {
        router = new Router(order, 0);
        relay = new LocalRelay(board, id);
        remote = RemoteRouting.join(relay, relay, router, deliveries, null, meters);
        relay.join();
    }

    LivingMember subscribe(LivingMember client, boolean durable, StoredSubscription stored) {
        var filter = TopicFilter.of(stored.filter());
        router.subscribe(client, durable, filter, stored);
        awaitSeen(client, stored.filter());
        return client;
    }

    /** The other gateways know what this client wants of a filter, and of which Shared Subscription it is no member any more. */
    void awaitSeen(LivingMember client, String filter) {
        var seen = new CountDownLatch(1);
        if (remote.interest().awaitSeen(client, List.of(TopicFilter.of(filter)), seen::countDown))
            await().until(() -> seen.getCount() == 0);
    }

    /** A member of a Shared Subscription goes. */
    void detach(LivingMember member, boolean sessionEnds, String share) {
        router.detach(member, sessionEnds);
        awaitSeen(member, share);
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

    static StoredSubscription to(String filter, QoS qos) {
        return new StoredSubscription(filter, qos, false, false, 0, 0);
    }

    static Message message(String topic, QoS qos, int number) {
        var payload = Integer.toString(number).getBytes();
        return new Message(TopicName.of(topic), qos, false, Properties.NONE, payload, Message.NEVER);
    }
}

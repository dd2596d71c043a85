package dev.sluice.broker;

import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.Recipient;
import dev.sluice.broker.routing.Router;
import dev.sluice.packet.QoS;
import dev.sluice.session.Delivery;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * What Shared Subscriptions have chosen one client for that it cannot take, or has left: other members get it. Confined to the connection's
 * event loop.
 */
final class SharedReturns {
    private final Recipient connection;
    private final Router router;
    private final Deliveries deliveries;
    private final Deliveries.Keeping keeping;
    private final BooleanSupplier knowsMembers;

    /**
     * @param keeping has PostgreSQL keep messages for sessions of other clients
     * @param knowsMembers whether all are known whose sessions PostgreSQL has
     */
    SharedReturns(
            Recipient connection,
            Router router,
            Deliveries deliveries,
            Deliveries.Keeping keeping,
            BooleanSupplier knowsMembers) {
        this.connection = connection;
        this.router = router;
        this.deliveries = deliveries;
        this.keeping = keeping;
        this.knowsMembers = knowsMembers;
    }

    /** There is no room for a message: has another member get it; true if there is one with room. */
    boolean hasRoomElsewhere(Delivery delivery) {
        if (!isForTheGroup(delivery)) return false;
        var subscriber = router.find(connection.clientId());
        if (subscriber != null) subscriber.queueIsFull();
        return give(delivery, true);
    }

    /** The client is gone: has another member get a message that nobody answers for; whether the message is done with. */
    boolean passOn(Delivery delivery) {
        if (!isForTheGroup(delivery)) return false;
        giveBack(delivery);
        return true;
    }

    /** Whether it is in memory alone, and its sender counts on some member of a Shared Subscription. */
    private static boolean isForTheGroup(Delivery delivery) {
        var isOwn = delivery.share() == null || delivery.seq() != 0 || delivery.receipt() != null;
        return !isOwn && delivery.qos() != QoS.AT_MOST_ONCE;
    }

    /** Gives the messages that a member has left to others [MQTT-4.8.2-5]. */
    void giveBack(List<Delivery> left) {
        left.forEach(this::giveBack);
    }

    private void giveBack(Delivery delivery) {
        if (knowsMembers.getAsBoolean()) give(delivery, false);
        else
            CompletableFuture.delayedExecutor(1, TimeUnit.SECONDS, connection.loop())
                    .execute(() -> giveBack(delivery));
    }

    private boolean give(Delivery delivery, boolean withRoom) {
        var message = delivery.message().unretained();
        var another = router.shares().another(message, delivery.share(), connection, withRoom);
        deliveries.giveAnywhere(another, keeping, () -> {});
        return another.hasSubscribers();
    }
}

package dev.sluice.broker.routing;

import dev.sluice.packet.QoS;

/** A member of a Shared Subscription, as the gateway that chooses one sees it. Any thread may ask. */
sealed interface Member permits LiveSubscription, RemoteMember {
    String clientId();

    /** What tells apart one client's connections to several gateways, during a take-over; the same for all that are known here. */
    int gatewayNumber();

    /** Whether it can take a message now, as far as is known. */
    boolean isReady(QoS qos);

    /** Whether it can get a message: its client is connected somewhere, or PostgreSQL keeps it for the client. */
    boolean isAble(QoS qos);

    /** Whether its queue has been full lately. */
    boolean isFull();

    /** Whether its session is known to have ended. */
    boolean isGone();

    /** Whether it is this connection's. */
    boolean isOf(Recipient recipient);
}

package dev.sluice.broker;

import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.ReasonCode;

/** What follows once Kafka has answered; goes along with the PUBLISH. Confined to the connection's event loop. */
sealed interface Exchange {
    Exchange AT_MOST_ONCE = new AtMostOnce();
    Exchange AT_LEAST_ONCE_ALONE = new AtLeastOnceAlone();
    Exchange EXACTLY_ONCE = new ExactlyOnce();

    /** Nobody is answered. */
    record AtMostOnce() implements Exchange {}

    /** PUBACK waits for Kafka alone. */
    record AtLeastOnceAlone() implements Exchange {}

    /**
     * PUBACK waits for Kafka (or the lack of a route), for PostgreSQL and for what goes to other gateways, whichever comes first; for the
     * retained message it waits for PostgreSQL after Kafka, and for other gateways after that.
     */
    final class AtLeastOnceJointly implements Exchange {
        int missing = 1;
        /** To be retained once Kafka has it; null for nothing. */
        Publication retaining;

        ReasonCode outcome = ReasonCode.SUCCESS;
        String why;
    }

    /** PUBREC waits for Kafka first, then for PostgreSQL. */
    record ExactlyOnce() implements Exchange {}
}

package dev.sluice.store.delivery;

import java.util.ArrayList;
import java.util.List;

/**
 * The CDI event that sessions have ended with messages of Shared Subscriptions in their queues. Fired on the sweep's thread, which alone may
 * touch it, with no transaction open: the observer may wait until other members have the messages.
 *
 * <p>What the observer reports as {@link #done} is deleted afterwards, also when it throws because of the others; those come again with
 * the next sweep. After a crash in between, another member gets a message once more, which QoS 1 allows. So it does for every further gateway
 * that sweeps at the same time: nothing leases an ended session to one of them.
 */
public final class OrphanedDeliveries {
    private final List<OrphanedDelivery> deliveries;
    private final List<OrphanedDelivery> done = new ArrayList<>();

    OrphanedDeliveries(List<OrphanedDelivery> deliveries) {
        this.deliveries = List.copyOf(deliveries);
    }

    /** In the order of their queues. */
    public List<OrphanedDelivery> deliveries() {
        return deliveries;
    }

    /** Reports that another member has the message for certain, or that there is none to give it to. */
    public void done(OrphanedDelivery delivery) {
        done.add(delivery);
    }

    List<OrphanedDelivery> done() {
        return done;
    }
}

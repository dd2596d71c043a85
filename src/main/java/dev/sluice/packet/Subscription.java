package dev.sluice.packet;

/**
 * One entry of a SUBSCRIBE: the Topic Filter as sent, the maximum QoS, and the options of section 3.8.3.1.
 *
 * @param retainHandling 0 send retained messages, 1 only for a new subscription, 2 never
 */
public record Subscription(
        String filter, QoS maximumQoS, boolean noLocal, boolean retainAsPublished, int retainHandling) {
    /** The same with another QoS. */
    public Subscription at(QoS qos) {
        return new Subscription(filter, qos, noLocal, retainAsPublished, retainHandling);
    }
}

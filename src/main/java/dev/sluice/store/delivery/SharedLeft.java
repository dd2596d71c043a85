package dev.sluice.store.delivery;

import dev.sluice.packet.Message;
import java.util.List;

/**
 * The CDI event that sessions ended with QoS 1 messages that Shared Subscriptions had chosen them for. Fired on the thread that sweeps,
 * before the messages are deleted: who observes it gives them to other members before it returns; if it throws, they are offered again.
 */
public record SharedLeft(List<Left> messages) {
    /** @param share the filter of the Shared Subscription */
    public record Left(String share, Message message) {}
}

package dev.sluice.store.journal;

/**
 * A session connected to another gateway has got messages into its queue, the last of them at this place. Immutable.
 *
 * @param node name of the gateway, as the session's row told before the messages were committed
 */
public record QueuedElsewhere(String node, String clientId, long sessionId, long seq) {}

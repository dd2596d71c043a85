package dev.sluice.store.delivery;

import dev.sluice.packet.Message;

/**
 * A message that a Shared Subscription sent to a session that has ended, and that may go to another member. Immutable.
 *
 * @param sessionId of the ended session, whose queue still holds the message
 * @param seq its place in that queue
 * @param messageId its row, if it is stored apart from its copies; else null
 * @param share the filter of the Shared Subscription
 */
public record OrphanedDelivery(long sessionId, long seq, Long messageId, String share, Message message) {}

/**
 * Connections: each feeds one {@link dev.sluice.session.Session} with events and performs its effects, towards the socket, Kafka,
 * PostgreSQL and subscribers. Beside them, what all share: retained messages, wills, {@code $SYS} topics, the registry that ends
 * the older one of two connections of a client.
 *
 * <p><b>Owns</b> the connections of this gateway, from the upgrade to the closed socket; {@link dev.sluice.broker.Life} draws that.
 *
 * <p><b>Threads.</b> A connection and its parts are confined to one event loop ({@link dev.sluice.broker.Loop}). Everything that others
 * answer comes back through the loop's mailbox. What blocks runs on virtual threads: opening a session, reading a queue or retained
 * messages, publishing wills and figures.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.broker.Connection}, in {@code perform}: each effect leads to its part. A PUBLISH goes on
 * in {@link dev.sluice.broker.Publishing}, a SUBSCRIBE in {@link dev.sluice.broker.Receiving}, a CONNECT in
 * {@link dev.sluice.broker.Broker#open}.
 */
package dev.sluice.broker;

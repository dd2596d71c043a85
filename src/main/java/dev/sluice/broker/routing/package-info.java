/**
 * Who gets a message, and how it reaches them.
 *
 * <p><b>Owns</b> the subscriptions of all clients that this gateway knows, those that are offline included, and the count of
 * deliveries under way. It knows a connection only as a {@link dev.sluice.broker.routing.Recipient}.
 *
 * <p><b>Threads.</b> Any thread may route, without waiting; changes of subscriptions take turns under a lock of the
 * {@link dev.sluice.broker.routing.Router}. Deliveries are handed to the event loops of their recipients.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.broker.routing.Router#route}, then {@link dev.sluice.broker.routing.Publication}, which says who
 * gets the message at once and for whom PostgreSQL keeps it first.
 */
package dev.sluice.broker.routing;

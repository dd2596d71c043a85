/**
 * One client's protocol state, as a machine without side effects: {@link dev.sluice.session.Event} in, {@link dev.sluice.session.Effect} out.
 *
 * <p><b>Owns</b> what the standard says of a session: who may speak when, windows and quotas, packet identifiers, the order of answers,
 * topic aliases, what waits in memory for a slow client.
 *
 * <p><b>Threads.</b> A session is confined to its connection's event loop, and must not be told an event while it performs an effect.
 * {@link dev.sluice.session.QueueMemory} alone is shared.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.session.Session#on}: one {@code switch} for each {@link dev.sluice.session.Phase}. What the
 * client publishes is in {@code Inbound}, what it is sent in {@code Outbound}. Tests feed events and compare effects; nothing here knows
 * Quarkus, Kafka or PostgreSQL.
 */
package dev.sluice.session;

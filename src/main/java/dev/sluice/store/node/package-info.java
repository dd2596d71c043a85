/**
 * Which gateways run: the rows of table {@code node}, and what is done with the sessions of those that died.
 *
 * <p><b>Owns</b> the connection whose end tells PostgreSQL that this gateway's process is gone ({@link dev.sluice.store.node.NodeLease}).
 *
 * <p><b>Threads.</b> All of it blocks; called on virtual threads.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.node.NodeLease}, then {@link dev.sluice.store.node.Burial}.
 */
package dev.sluice.store.node;

package dev.sluice.cluster;

/**
 * A run of a gateway. Immutable.
 *
 * @param id its name, {@code sluice.node.id}
 * @param run drawn from the sequence of epochs at its start: a later run of the same name has a higher one, and what a run has opened has
 *     an epoch above it
 * @param mailbox the partition of the relay topic that it reads, 1 or higher
 */
public record Gateway(String id, long run, int mailbox) {}

/**
 * This gateway's place among its like: its lease, who else lives, and when it does what the dead left undone.
 *
 * <p><b>Owns</b> the knowledge who lives ({@link dev.sluice.cluster.node.Membership}) and whether this gateway may read its sockets ({@link
 * dev.sluice.cluster.node.Lease}).
 *
 * <p><b>Threads.</b> A virtual thread renews the lease, another one buries; any thread may ask.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.cluster.node.Membership}.
 */
package dev.sluice.cluster.node;

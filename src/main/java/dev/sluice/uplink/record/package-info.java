/**
 * Makes Kafka records of messages: headers in both styles, keys, partitions, numbers, message ids, traces, and dead letters for both
 * directions.
 *
 * <p><b>Owns</b> nothing that lasts, except the numbers of a client's records ({@link dev.sluice.uplink.record.Sequence}) and the bytes that wait
 * for a Kafka topic ({@link dev.sluice.uplink.record.Backlog}).
 *
 * <p><b>Threads.</b> Stateless or immutable, where nothing else is said; targets and sequences are confined to their client's event loop.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.uplink.record.UplinkRecord#of}; {@link dev.sluice.uplink.record.RouteTrial} does all of it for a
 * message that nobody sent.
 */
package dev.sluice.uplink.record;

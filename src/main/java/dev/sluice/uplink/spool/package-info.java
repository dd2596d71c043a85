/**
 * Records that wait in PostgreSQL while Kafka is away, so that clients have their answers.
 *
 * <p><b>Owns</b> which stripe of keys goes to Kafka at once and which one to the spool ({@link dev.sluice.uplink.spool.SpoolStripe}). A stripe
 * is one of sixteen parts of all keys; the tables call it {@code lane}. A gateway leases the stripes that it drains, and the rows of records
 * that its producer still has.
 *
 * <p><b>Threads.</b> {@link dev.sluice.uplink.spool.ClientSpool} is confined to its connection's event loop; each stripe has a virtual thread that
 * drains it; Kafka's and the journal's threads answer.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.uplink.spool.ClientSpool#hand}, then {@link dev.sluice.uplink.spool.StripeDrain}.
 */
package dev.sluice.uplink.spool;

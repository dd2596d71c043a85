/**
 * The spool in PostgreSQL: Kafka records that wait for the end of an outage of Kafka. Here it is opened, leased and emptied; the journal
 * writes its rows.
 *
 * <p><b>Threads.</b> Calls block, on virtual threads.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.spool.SpoolStore} for who may drain what,
 * {@link dev.sluice.store.spool.SpoolReader} for the rows of one lane in their order.
 */
package dev.sluice.store.spool;

/**
 * PUBLISH to Kafka: each connection has a {@link dev.sluice.uplink.ClientUplink}, which hands the records of its messages to Kafka's producer,
 * or to the spool while Kafka is away, and tells the connection when all of them are safe.
 *
 * <p><b>Owns</b> the records under way of all connections, their bounds, and the knowledge whether Kafka answers. The rooms below have one
 * direction: {@code uplink} imports {@code spool}, that {@code record} and {@code producer}, and those {@code route}.
 *
 * <p><b>Threads.</b> A connection's uplink is confined to its event loop. Kafka's network thread answers records, and the journal's threads
 * answer spooled ones; both count them down and go back to the event loop. Virtual threads probe Kafka and drain the spool.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.uplink.ClientUplink#forward}. The life of a record:
 *
 * <pre>
 * PUBLISH
 *    | ClientUplink.forward: routes decide (Resolution), targets are looked up (Destination)
 *    |-- refused, dropped or shed: the answer is known at once
 *    v
 * Forwarding, with one RecordInFlight for each target
 *    | ClientUplink.offer: make the record, hand it over
 *    v
 *    +-- NotNow ------> stalled: the connection is not read; ClientUplink.retry offers it again, in order
 *    +-- Refused -----> becomes a dead letter and is handed over again; without dead letters the message is refused
 *    +-- Taken -------> in flight, at the producer (or at the journal, while its stripe of the spool is SPOOLING)
 *                          |
 *       Kafka's or the journal's thread: RecordInFlight.onCompletion
 *                          |-- acknowledged, by Kafka or by the commit of its row
 *                          |-- failed for now: the connection ends, and the client sends again
 *                          |-- refused: back to the event loop, as a dead letter or refused
 *                          v
 *       the last record of the message: Forwarding goes to the event loop, and the listener answers the client
 *
 * In an outage, the spool also writes down the records that the producer has (InsuredRecord): the client has its answer at
 * that commit, and the row is deleted when Kafka has the record. StripeDrain brings all other rows to Kafka later.
 * </pre>
 */
package dev.sluice.uplink;

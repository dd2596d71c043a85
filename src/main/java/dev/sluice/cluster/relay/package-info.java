/**
 * How gateways tell each other things: the Kafka topic {@code sluice.relay}, whose partition 0, the <i>board</i>, all of them read, and whose other
 * partitions are a <i>mailbox</i> for each.
 *
 * <p><b>Owns</b> what waits for Kafka ({@code Outbox}), who waits until others have seen something ({@code Announcements}), how old what was heard
 * may be ({@code Freshness}), and what was heard of each other gateway ({@code Peer}): the numbers of its records, in which a gap is found, and whether its whole state is here.
 *
 * <p><b>Threads.</b> {@code sluice-relay} reads, and runs all handlers; {@code sluice-relay-clock} hands over again what the producer had no
 * room for, and ends the patience of who waits. Any thread may send; Kafka's network thread and the one that replaces a producer tell what
 * has become of records.
 *
 * <p><b>Start reading</b> at {@code Correspondence}. A gateway that comes:
 *
 * <pre>
 * newcomer                                       each one that lives
 *    | notes the ends of board and mailbox
 *    |---- board: Joined(question) ------------------->|
 *    |                                                 | it has to see what is announced from now on
 *    |<------------------ board: Marker(question) -----|
 *    |<------------------ mailbox: Part, Part, End ----|
 *    | takes what was announced in front of the marker,
 *    | then the parts, then what was behind the marker
 *    | ready, once all have answered
 * </pre>
 *
 * A gap is mended in the same way, by a {@code Question} in the mailbox of the one whose records are missing.
 */
package dev.sluice.cluster.relay;

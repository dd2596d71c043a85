/**
 * Kafka records to devices: each record of the downlink's Kafka topics is offered to the subscribers of an MQTT topic, and its offset is
 * committed when all of them have it. A record that cannot be delivered becomes a dead letter.
 *
 * <p><b>Owns</b> the Kafka consumer, and the records that it has taken and not committed ({@link dev.sluice.downlink.Progress}).
 *
 * <p><b>Threads.</b> One platform thread polls Kafka and does all the rest; answers of clients, PostgreSQL and Kafka come to it through
 * the mailbox of {@link dev.sluice.downlink.DownlinkConsumer}. A virtual thread looks for topics that do not exist yet.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.downlink.DownlinkConsumer#turn}, then {@link dev.sluice.downlink.TopicQueue}.
 */
package dev.sluice.downlink;

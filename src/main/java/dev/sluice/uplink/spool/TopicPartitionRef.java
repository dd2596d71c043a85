package dev.sluice.uplink.spool;

/**
 * Where in Kafka a record goes. Immutable.
 *
 * @param partition null where the key chooses it
 */
record TopicPartitionRef(String kafkaTopic, Integer partition) {}

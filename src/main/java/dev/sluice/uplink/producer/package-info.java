/**
 * The one producer of the gateway, and the one place where a record is handed to it.
 *
 * <p><b>Owns</b> Kafka's producer, which it replaces when that gives up for good.
 *
 * <p><b>Threads.</b> Any thread may hand over a record; nothing blocks. Later answers come on Kafka's network thread.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.uplink.producer.UplinkProducer#hand}, whose answer is a
 * {@link dev.sluice.uplink.producer.Handover}.
 */
package dev.sluice.uplink.producer;

/**
 * MQTT's vocabulary: the fifteen control packets as records, their properties, reason codes and levels of QoS, and the message that a
 * PUBLISH or a Will carries.
 *
 * <p><b>Owns</b> one model for all versions of MQTT: what a version cannot say is left out by the codec.
 *
 * <p><b>Threads.</b> Everything is immutable. Payloads are not copied, so nobody may write into their arrays.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.packet.Packet}.
 */
package dev.sluice.packet;

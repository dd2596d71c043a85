/**
 * Bytes to control packets and back, for MQTT 3.1, 3.1.1 and 5.
 *
 * <p><b>Owns</b> the wire format: lengths, flags, properties, UTF-8, and every rule of the standard that one packet alone can break. The
 * answer to such a breach is a fault with the reason code that the client is told.
 *
 * <p><b>Threads.</b> Readers and writers hold state of one connection and are confined to its event loop.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.codec.PacketFramer}, which cuts the stream, {@link dev.sluice.codec.PacketReader}, and
 * {@link dev.sluice.codec.PacketWriter}. Reading what only a server sends and writing what only a client sends serve the tests' client and
 * the demo.
 */
package dev.sluice.codec;

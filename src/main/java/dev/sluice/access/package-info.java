/**
 * Who is who: methods of authentication, and what they answer. It knows nothing of packets on the wire, nor of sockets.
 *
 * <p><b>Owns</b> the order in which methods are asked. It lies on the floor of {@code uplink}: it may ask {@code store}, and {@code broker}
 * asks it.
 *
 * <p><b>Threads.</b> Methods may block, so they are asked on virtual threads only.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.access.Authenticator}.
 */
package dev.sluice.access;

package dev.sluice.broker;

import dev.sluice.codec.MqttFault;
import dev.sluice.codec.PacketFramer;
import dev.sluice.codec.PacketReader;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.session.Event;
import java.nio.ByteBuffer;

/**
 * The reading half of a connection: cuts bytes into packets, and stops reading the socket while there is no room for more.
 * Confined to the connection's event loop.
 */
final class PacketInput {
    /** Bytes that are read ahead while the session opens. A socket that is not read would not report that it has closed. */
    private static final int AHEAD = 16 * 1024;

    private final Connection connection;
    private final Transport transport;
    private final PacketFramer framer;
    private final PacketReader reader = new PacketReader();

    /** Bytes read and not yet looked at, while the connection is paused; null for none. */
    private ByteBuffer held;

    private boolean paused;
    private boolean ahead;
    private long lastRead = System.nanoTime();

    PacketInput(Connection connection, Transport transport, int maximumPacketSize) {
        this.connection = connection;
        this.transport = transport;
        this.framer = new PacketFramer(maximumPacketSize);
    }

    /** Takes the next bytes of the stream, in pieces of any size; reads them all, or copies the bytes that it cannot look at yet. */
    void received(ByteBuffer bytes) {
        lastRead = System.nanoTime();
        if (held == null) read(bytes);
        if (bytes.hasRemaining() && !connection.isClosed()) hold(bytes);
    }

    private void read(ByteBuffer bytes) {
        while (!connection.isClosed() && connection.mayRead()) {
            var packet = next(bytes);
            if (packet == null) return;
            connection.received(packet);
        }
        if (!connection.isClosed()) pause();
    }

    private Packet next(ByteBuffer bytes) {
        try {
            var frame = framer.next(bytes);
            return frame == null ? null : reader.read(frame);
        } catch (MqttFault fault) {
            connection.on(new Event.Faulted(fault, reader.version()));
            return null;
        }
    }

    private void hold(ByteBuffer bytes) {
        var kept = held == null ? 0 : held.remaining();
        var grown = ByteBuffer.allocate(kept + bytes.remaining());
        if (held != null) grown.put(held);
        held = grown.put(bytes).flip();
        if (ahead && held.remaining() >= AHEAD) stop();
    }

    void pause() {
        if (paused) return;
        paused = true;
        ahead = connection.isOpening();
        if (!ahead) stop();
        connection.paused();
    }

    private void stop() {
        ahead = false;
        transport.pause();
    }

    boolean isPaused() {
        return paused;
    }

    /** Reads on, beginning with the bytes that it holds; the caller knows that there is room. True if the socket is read again. */
    boolean resume() {
        paused = false;
        lastRead = System.nanoTime();
        var bytes = held;
        held = null;
        if (bytes != null) {
            read(bytes);
            if (bytes.hasRemaining() && !connection.isClosed()) hold(bytes);
        }
        if (paused || connection.isClosed()) return false;
        transport.resume();
        return true;
    }

    void drop() {
        held = null;
    }

    /** The client's version, null before its CONNECT. */
    ProtocolVersion version() {
        return reader.version();
    }

    /** When something was read last, or reading began again; the JVM's nanoseconds. */
    long lastRead() {
        return lastRead;
    }
}

package dev.sluice.broker;

import dev.sluice.codec.MqttFault;
import dev.sluice.codec.PacketFramer;
import dev.sluice.codec.PacketReader;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.session.Limits;
import java.nio.ByteBuffer;

/**
 * The reading half of a connection: cuts bytes into packets, and stops reading the socket while there is no room for more. However many
 * packets a client sends, it has a turn of the event loop for some milliseconds, and others before its next one. Confined to the
 * connection's event loop.
 */
final class PacketInput {
    /** Bytes that are read ahead while CONNECT is not answered. A socket that is not read would not report that it has closed. */
    private static final int AHEAD = 16 * 1024;

    /** Longest turn of one connection, and how many of its packets are taken before the clock is looked at. */
    private static final long NANOS_PER_TURN = 2_000_000;

    private static final int PACKETS_PER_LOOK = 8;

    /** The first four bits of the packet. */
    private static final int DISCONNECT = 0xE0;

    private final Connection connection;
    private final Transport transport;
    private final Limits limits;
    private final PartialPackets partials;
    private final PacketFramer framer;
    private final PacketReader reader;
    /** What {@link PartialInput} counts. */
    private int counted;
    /** When the packet of that began. */
    private long countedBegun;

    private final Runnable giveUp;
    private final Runnable nextTurn;

    /** Bytes read and not yet looked at, while the connection is paused or others have their turn; null for none. */
    private ByteBuffer held;

    private boolean paused;
    /** Whether others have their turn. */
    private boolean yielded;
    /** Packets of this turn, and when it began. */
    private int inTurn;

    private long turnBegun;
    private boolean ahead;
    /** Whether the socket has closed: there is nothing more than what is held. */
    private boolean ended;

    private boolean goodbye;
    private long lastPacket = System.nanoTime();
    /** When the first bytes of the packet came that is not whole, or reading began again. */
    private long packetBegun;

    PacketInput(Connection connection, Transport transport, Limits limits, PartialPackets partials) {
        this.connection = connection;
        this.transport = transport;
        this.limits = limits;
        this.partials = partials;
        this.giveUp = () -> connection.loop().execute(connection::giveUpPartialPacket);
        this.nextTurn = this::takeTurn;
        this.framer = PacketFramer.beforeConnect(limitBeforeConnAck());
        this.reader = new PacketReader(limits.input());
    }

    /** Nobody who is not known yet sends more than a CONNECT. */
    private int limitBeforeConnAck() {
        return Math.min(limits.maximumPacketSize(), limits.input().largestConnect());
    }

    /** The client is known: it may send packets as large as are granted. */
    void admitAll() {
        framer.admitAll(limits.maximumPacketSize());
    }

    /** Takes the next bytes of the stream, in pieces of any size; reads them all, or copies the bytes that it cannot look at yet. */
    void received(ByteBuffer bytes) {
        if (held == null && !yielded) read(bytes);
        count();
        if (bytes.hasRemaining() && !connection.isClosed()) hold(bytes);
    }

    private void read(ByteBuffer bytes) {
        var now = System.nanoTime();
        var wasWhole = framer.isEmpty();
        if (inTurn == 0) turnBegun = now;
        while (!connection.isClosed() && connection.mayRead()) {
            var packet = next(bytes);
            if (packet == null) {
                if (wasWhole) packetBegun = now;
                return;
            }
            lastPacket = now;
            wasWhole = true;
            connection.received(packet);
            if (++inTurn % PACKETS_PER_LOOK == 0 && System.nanoTime() - turnBegun > NANOS_PER_TURN) {
                yieldTurn();
                return;
            }
        }
        if (!connection.isClosed()) pause();
    }

    private void yieldTurn() {
        if (connection.isClosed()) return;
        yielded = true;
        transport.pause();
        connection.loop().inANewTurn(nextTurn);
    }

    /** What the socket has brought is read, or others have their turn. */
    void endTurn() {
        inTurn = 0;
    }

    private void takeTurn() {
        yielded = false;
        if (!paused && !connection.isClosed()) readOn();
    }

    private Packet next(ByteBuffer bytes) {
        try {
            var frame = framer.next(bytes);
            if (frame == null) return null;
            var isFirst = reader.version() == null;
            var packet = reader.read(frame);
            if (isFirst) framer.admitAll(limitBeforeConnAck());
            return packet;
        } catch (MqttFault fault) {
            connection.on(new Event.Faulted(fault, reader.version()));
            return null;
        }
    }

    private void count() {
        var now = PartialInput.counted(framer.heldMemory());
        var isAnother = counted > 0 && packetBegun != countedBegun;
        if (now == counted && !isAnother) return;
        if (isAnother) partials.note(giveUp, 0); // a packet that has just begun is behind those of others
        counted = now;
        countedBegun = packetBegun;
        partials.note(giveUp, now);
    }

    /** Whether a packet is not whole that others wait for the memory of. */
    boolean isPartial() {
        return counted > 0;
    }

    private void hold(ByteBuffer bytes) {
        var count = bytes.remaining();
        if (held == null || held.capacity() - held.limit() < count) {
            var kept = held == null ? 0 : held.remaining();
            var grown = ByteBuffer.allocate(Math.max(kept + count, 2 * kept)).limit(kept);
            if (held != null) grown.put(0, held, held.position(), kept);
            held = grown;
        }
        var end = held.limit();
        held.limit(end + count).put(end, bytes, bytes.position(), count);
        bytes.position(bytes.limit());
        if (ahead && held.remaining() >= AHEAD) stop();
    }

    void pause() {
        if (paused) return;
        paused = true;
        ahead = connection.paused();
        if (!ahead) stop();
    }

    /** Reads no more, and nothing ahead either: the client does not read what it is sent. */
    void stopReading() {
        pause();
        if (ahead) stop();
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
        lastPacket = System.nanoTime();
        packetBegun = lastPacket;
        return readOn();
    }

    private boolean readOn() {
        var bytes = held;
        held = null;
        if (bytes != null) {
            endTurn();
            read(bytes);
            endTurn();
            count();
            if (bytes.hasRemaining() && !connection.isClosed()) hold(bytes);
        }
        if (paused || yielded || connection.isClosed()) return false;
        if (ended) connection.gone();
        else transport.resume();
        return true;
    }

    void drop() {
        if (held != null) goodbye = isGoodbyeIn(held);
        held = null;
        framer.drop();
        count();
    }

    /** The socket has closed: true if bytes that it brought before are held, to be looked at when the connection is resumed. */
    boolean end() {
        ended = held != null;
        return ended;
    }

    /** Whether the socket has closed, and what it brought is not yet looked at whole. */
    boolean hasEnded() {
        return ended;
    }

    /**
     * Whether a DISCONNECT that withdraws the will was among the bytes that are held, and not looked at as the connection ends
     * [MQTT-3.14.4-3]; gives them up.
     */
    boolean saidGoodbye() {
        drop();
        return goodbye;
    }

    private boolean isGoodbyeIn(ByteBuffer bytes) {
        try {
            for (var frame = framer.next(bytes); frame != null; frame = framer.next(bytes))
                if ((frame.get(frame.position()) & 0xF0) == DISCONNECT)
                    return reader.read(frame) instanceof Packet.Disconnect bye && bye.reason() == ReasonCode.SUCCESS;
        } catch (MqttFault _) {
            // Nothing behind it would have been looked at.
        }
        return false;
    }

    /** The client's version, null before its CONNECT. */
    ProtocolVersion version() {
        return reader.version();
    }

    /** How far the client has been read. Its last packet is the last whole one, or the moment when reading began again [MQTT-3.1.2-22]. */
    ConnectionDeadlines.Reading reading(long now) {
        return new ConnectionDeadlines.Reading(paused, lastPacket, paused || framer.isEmpty() ? 0 : now - packetBegun);
    }
}

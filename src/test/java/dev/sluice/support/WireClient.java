package dev.sluice.support;

import dev.sluice.codec.PacketFramer;
import dev.sluice.codec.PacketReader;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/**
 * A client that puts any bytes into any frames, and takes server frames apart itself: one that is in parts, masked or text is
 * a failure. Used by one thread.
 */
public final class WireClient implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 30_000;
    private static final int NO_STATUS = 1005;
    /** What {@link #closeStatus} says of a socket that was closed without a close frame. */
    public static final int CUT = 1006;

    private final Socket socket;
    private final DataInputStream in;
    private final ProtocolVersion version;
    private final PacketReader reader;
    private final PacketFramer framer = new PacketFramer(Readers.LARGEST);
    private ByteBuffer unread = ByteBuffer.allocate(0);
    private int patienceMillis = PATIENCE_MILLIS;
    private int pings;
    private int pongs;

    /** One frame of the server. */
    public record Frame(int opcode, byte[] payload) {}

    private WireClient(int port, ProtocolVersion version, Tls tls, String from) {
        this.version = version;
        this.reader = new PacketReader(version);
        try {
            var plain = from == null
                    ? new Socket(InetAddress.getLoopbackAddress(), port)
                    : new Socket(InetAddress.getLoopbackAddress(), port, InetAddress.getByName(from), 0);
            plain.setTcpNoDelay(true);
            socket = tls == null ? plain : tls.over(plain);
            socket.setSoTimeout(PATIENCE_MILLIS);
            in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 8 * 1024));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Opens a WebSocket on {@code /mqtt} that says nothing yet. */
    public static WireClient open(int port, ProtocolVersion version) {
        return open(port, version, "/mqtt");
    }

    /** The same on a path, perhaps with a query, and with more headers. */
    public static WireClient open(int port, ProtocolVersion version, String path, String... headers) {
        return open(null, port, version, null, path, headers);
    }

    /** The same over TLS, or without if that is null, with more headers. */
    public static WireClient open(int port, ProtocolVersion version, Tls tls, String... headers) {
        return open(null, port, version, tls, "/mqtt", headers);
    }

    /** The same from one of this machine's addresses, or from any if that is null. */
    public static WireClient from(String address, int port, ProtocolVersion version, Tls tls, String... headers) {
        return open(address, port, version, tls, "/mqtt", headers);
    }

    private static WireClient open(
            String address, int port, ProtocolVersion version, Tls tls, String path, String[] headers) {
        var client = new WireClient(port, version, tls, address);
        var all = Stream.concat(
                Stream.of("Sec-WebSocket-Protocol: mqtt", "Sec-WebSocket-Version: 13"), Arrays.stream(headers));
        var answer = client.upgrade(path, all.toArray(String[]::new));
        if (!answer.startsWith("HTTP/1.1 101 ")) throw new AssertionError(answer);
        return client;
    }

    /** Waits as long as that for each thing that comes from now on. */
    public WireClient patience(Duration time) {
        try {
            patienceMillis = (int) time.toMillis();
            socket.setSoTimeout(patienceMillis);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    /** The answer to an upgrade with these headers beside the ones that every upgrade has. */
    public static String upgradeAnswer(int port, String path, String... headers) {
        try (var client = new WireClient(port, ProtocolVersion.V5, null, null)) {
            return client.upgrade(path, headers);
        }
    }

    private String upgrade(String path, String... headers) {
        var request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                + String.join("\r\n", headers) + "\r\n\r\n";
        send(request.getBytes(StandardCharsets.US_ASCII));
        var answer = new StringBuilder();
        try {
            while (!answer.toString().endsWith("\r\n\r\n")) answer.append((char) in.readUnsignedByte());
        } catch (IOException e) {
            throw new UncheckedIOException(answer.toString(), e);
        }
        return answer.toString();
    }

    /** Connects with this packet and asserts nothing of the answer. */
    public WireClient connect(Packet.Connect connect) {
        return sendPackets(connect);
    }

    /** Sends bytes as they are. */
    public WireClient send(byte[] raw) {
        try {
            socket.getOutputStream().write(raw);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    /** Sends bytes for as long as the server takes them: it may close in between. */
    public void sendWhileOpen(byte[] raw, int times) {
        try {
            for (int i = 0; i < times; i++) socket.getOutputStream().write(raw);
        } catch (SocketException | SSLException _) {
            // what it was waiting for
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends packets as one frame. */
    public WireClient sendPackets(Packet... packets) {
        return send(Frames.binary(bytes(packets)));
    }

    public byte[] bytes(Packet... packets) {
        return Frames.join(Arrays.stream(packets)
                .map(packet -> Readers.write(version, packet))
                .toArray(byte[][]::new));
    }

    /** The next packet; a close instead of it is a failure. */
    public Packet receive() {
        return reader.read(nextPacket());
    }

    /** Pings do not renew the patience. */
    private ByteBuffer nextPacket() {
        var deadline = System.nanoTime() + patienceMillis * 1_000_000L;
        while (System.nanoTime() < deadline) {
            var packet = framer.next(unread);
            if (packet != null) return packet;
            var frame = nextFrame();
            if (frame == null) throw new AssertionError("the socket is closed");
            if (frame.opcode == Frames.CLOSE)
                throw new AssertionError("closed with " + status(frame) + " instead of a packet");
            take(frame);
        }
        throw new AssertionError("no packet in " + patienceMillis + " ms");
    }

    /** The bytes of the next packet, as they came. */
    public byte[] receiveBytes() {
        var packet = nextPacket();
        var bytes = new byte[packet.remaining()];
        packet.get(bytes);
        return bytes;
    }

    public <P extends Packet> P receive(Class<P> type) {
        var packet = receive();
        if (!type.isInstance(packet)) throw new AssertionError("not a " + type.getSimpleName() + ": " + packet);
        return type.cast(packet);
    }

    /** Waits for the close, answers it, and returns its status; a packet before it is a failure. */
    public int closeStatus() {
        while (true) {
            if (framer.next(unread) != null) throw new AssertionError("a packet instead of a close");
            var frame = nextFrame();
            if (frame == null) return CUT;
            if (frame.opcode == Frames.CLOSE) {
                sendWhileOpen(Frames.masked(true, Frames.CLOSE, frame.payload), 1);
                return status(frame);
            }
            take(frame);
        }
    }

    private void take(Frame frame) {
        switch (frame.opcode) {
            case Frames.BINARY -> unread = ByteBuffer.wrap(frame.payload);
            case Frames.PING -> {
                pings++;
                send(Frames.masked(true, Frames.PONG, frame.payload));
            }
            case Frames.PONG -> pongs++;
            default -> throw new AssertionError("opcode " + frame.opcode);
        }
    }

    private static int status(Frame frame) {
        return frame.payload.length < 2
                ? NO_STATUS
                : ByteBuffer.wrap(frame.payload).getShort() & 0xFFFF;
    }

    /** The next frame of the server, null when the socket is closed. */
    public Frame nextFrame() {
        try {
            var first = in.readUnsignedByte();
            if ((first & 0xF0) != 0x80)
                throw new AssertionError("a frame in parts or with reserved bits: " + Integer.toHexString(first));
            var length = (long) in.readUnsignedByte();
            if (length > 127) throw new AssertionError("a masked server frame");
            if (length == 126) length = in.readUnsignedShort();
            else if (length == 127) length = in.readLong();
            var payload = new byte[Math.toIntExact(length)];
            in.readFully(payload);
            return new Frame(first & 0x0F, payload);
        } catch (EOFException | SocketException | SSLException _) {
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public int pings() {
        return pings;
    }

    public int pongs() {
        return pongs;
    }

    /** The kernel's socket, for a test that looks at windows. */
    public Socket socket() {
        return socket;
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

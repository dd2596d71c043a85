package dev.sluice.support;

import dev.sluice.codec.PacketBuffer;
import dev.sluice.codec.PacketFramer;
import dev.sluice.codec.PacketReader;
import dev.sluice.codec.PacketWriter;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A client's WebSocket with MQTT packets in it, without any cleverness: what is written is sent at once, and blocks while the
 * gateway does not read. One thread may read while others write.
 */
final class ClientSocket implements AutoCloseable {
    /** The gateway has refused the upgrade, or closed the WebSocket. */
    static final class Closed extends IOException {
        private static final long serialVersionUID = 1;

        private Closed(String said) {
            super(said);
        }
    }

    private static final int LARGEST_PACKET = 1 << 20;
    private static final int BINARY = 0x82;
    private static final int PONG = 0x8A;

    private final Socket socket = new Socket();
    private final PacketWriter writer;
    private final PacketReader reader;
    private final PacketFramer framer = new PacketFramer(LARGEST_PACKET);
    private final PacketBuffer packets = new PacketBuffer();
    private DataInputStream in;
    private OutputStream out;
    private ByteBuffer unread = ByteBuffer.allocate(0);

    private ClientSocket(ProtocolVersion version) {
        this.writer = new PacketWriter(version);
        this.reader = new PacketReader(version);
    }

    /** Connects and upgrades; fails when the gateway is not there or refuses. */
    static ClientSocket open(int port, ProtocolVersion version) throws IOException {
        var client = new ClientSocket(version);
        try {
            client.socket.setTcpNoDelay(true);
            client.socket.connect(new InetSocketAddress("127.0.0.1", port), 2000);
            client.socket.setSoTimeout(10_000);
            client.in = new DataInputStream(new BufferedInputStream(client.socket.getInputStream(), 64 * 1024));
            client.out = client.socket.getOutputStream();
            client.upgrade(port);
            client.socket.setSoTimeout(0);
            return client;
        } catch (IOException | RuntimeException failed) {
            client.close();
            throw failed;
        }
    }

    private void upgrade(int port) throws IOException {
        out.write(("GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        + "Sec-WebSocket-Protocol: mqtt\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) head.append((char) in.readUnsignedByte());
        if (!head.toString().startsWith("HTTP/1.1 101"))
            throw new Closed("no upgrade: " + head.substring(0, head.indexOf("\r\n")));
    }

    /** The longest wait for a packet, 0 for ever. */
    void readTimeout(int millis) throws IOException {
        socket.setSoTimeout(millis);
    }

    /** Sends packets as one message; blocks while the gateway does not read. */
    synchronized void write(Iterable<? extends Packet> sent) throws IOException {
        packets.clear();
        for (var packet : sent) writer.write(packet, packets);
        frame(BINARY, packets.array(), packets.length());
    }

    /** The masking key is 0: allowed, and it spares the mask. */
    private synchronized void frame(int first, byte[] payload, int length) throws IOException {
        var frame = ByteBuffer.allocate(14 + length);
        frame.put((byte) first);
        if (length < 126) frame.put((byte) (0x80 | length));
        else if (length <= 0xFFFF) frame.put((byte) (0x80 | 126)).putShort((short) length);
        else frame.put((byte) (0x80 | 127)).putLong(length);
        frame.putInt(0).put(payload, 0, length);
        out.write(frame.array(), 0, frame.position());
    }

    /** The next packet; {@link Closed} when the gateway has closed. */
    Packet read() throws IOException {
        while (true) {
            var packet = framer.next(unread);
            if (packet != null) return reader.read(packet);
            unread = message();
        }
    }

    /** The packets that are whole with what the gateway sent at once; at least one. */
    List<Packet> readSome() throws IOException {
        var packets = new ArrayList<Packet>();
        packets.add(read());
        for (var packet = framer.next(unread); packet != null; packet = framer.next(unread))
            packets.add(reader.read(packet));
        return packets;
    }

    private ByteBuffer message() throws IOException {
        while (true) {
            int opcode = in.readUnsignedByte() & 0x0F;
            int length = in.readUnsignedByte();
            if (length == 126) length = in.readUnsignedShort();
            else if (length == 127) length = Math.toIntExact(in.readLong());
            var payload = new byte[length];
            in.readFully(payload);
            switch (opcode) {
                case 2 -> {
                    return ByteBuffer.wrap(payload);
                }
                case 9 -> frame(PONG, payload, length);
                case 8 -> throw new Closed(length < 2 ? "closed with no status" : closedWith(status(payload)));
                default -> throw new IOException("a frame of opcode " + opcode);
            }
        }
    }

    /** What {@link Closed} says of this status. */
    static String closedWith(int status) {
        return "closed with " + status;
    }

    private static int status(byte[] close) {
        return (close[0] & 0xFF) << 8 | close[1] & 0xFF;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}

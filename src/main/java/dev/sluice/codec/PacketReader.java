package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;
import static dev.sluice.packet.ReasonCode.PROTOCOL_ERROR;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import java.nio.ByteBuffer;

/**
 * Owns what reading one connection's packets depends on: the protocol version, which side sends, and the last Topic
 * Names and properties. Confined to its connection's event loop.
 *
 * <p>What cannot be parsed is a Malformed Packet; what parses but is not allowed is a Protocol Error (section 1.2),
 * unless the standard names another reason code.
 */
public final class PacketReader {
    private static final Packet.PingReq PINGREQ = new Packet.PingReq();
    private static final Packet.PingResp PINGRESP = new Packet.PingResp();
    private static final int DUP = 0b1000;

    private final boolean fromClient;
    private final InputBounds bounds;
    private ProtocolVersion version;
    private ReceivedTopics topics;
    private ReceivedProperties properties;

    /** A server's reader, which learns the version from the first CONNECT. */
    public PacketReader(InputBounds bounds) {
        this.fromClient = true;
        this.bounds = bounds;
    }

    /** A client's reader, which knows the version that the client speaks. */
    public PacketReader(ProtocolVersion version) {
        this.fromClient = false;
        this.bounds = InputBounds.NONE;
        this.version = version;
    }

    /**
     * The version, or null before a CONNECT has told it; known as soon as its Protocol Version was read. After one that is
     * not spoken here, the nearest that is: its CONNACK can say so.
     */
    public ProtocolVersion version() {
        return version;
    }

    /** Reads one whole packet, as {@link PacketFramer} gives it. */
    public Packet read(ByteBuffer packet) {
        var first = Wire.oneByte(packet);
        var length = VariableByteInteger.read(packet);
        if (length != packet.remaining()) throw new MqttFault(MALFORMED_PACKET, "Remaining Length is wrong");
        var type = first >> 4;
        var flags = first & 0b1111;
        if (type == PacketType.PUBLISH && version != null) return readPublish(flags, packet);
        var read = readOther(type, flags, packet);
        if (packet.hasRemaining()) throw new MqttFault(MALFORMED_PACKET, "bytes after the end of the content");
        return read;
    }

    private Packet readPublish(int flags, ByteBuffer in) {
        if (topics == null) {
            topics = new ReceivedTopics();
            properties = new ReceivedProperties(bounds);
        }
        var publish = PublishReader.read(version, flags, in, topics, properties);
        if (fromClient && !publish.properties().subscriptionIdentifiers().isEmpty()) {
            throw new MqttFault(PROTOCOL_ERROR, "Subscription Identifier from a client"); // [MQTT-3.3.4-6]
        }
        return publish;
    }

    private Packet readOther(int type, int flags, ByteBuffer in) {
        checkFlags(type, flags);
        if (type == PacketType.CONNECT) return readConnect(in);
        if (version == null) throw new MqttFault(PROTOCOL_ERROR, "first packet is not CONNECT"); // [MQTT-3.1.0-1]
        return switch (type) {
            case PacketType.CONNACK -> ConnAckReader.read(version, in);
            case PacketType.PUBACK -> AckReader.readPubAck(version, in, bounds);
            case PacketType.PUBREC -> AckReader.readPubRec(version, in, bounds);
            case PacketType.PUBREL -> AckReader.readPubRel(version, in, bounds);
            case PacketType.PUBCOMP -> AckReader.readPubComp(version, in, bounds);
            case PacketType.SUBSCRIBE -> SubscribeReader.readSubscribe(version, in, bounds);
            case PacketType.SUBACK -> SubscribeReader.readSubAck(version, in);
            case PacketType.UNSUBSCRIBE -> SubscribeReader.readUnsubscribe(version, in, bounds);
            case PacketType.UNSUBACK -> SubscribeReader.readUnsubAck(version, in);
            case PacketType.PINGREQ -> PINGREQ;
            case PacketType.PINGRESP -> PINGRESP;
            case PacketType.DISCONNECT -> DisconnectReader.readDisconnect(version, fromClient, in, bounds);
            case PacketType.AUTH -> DisconnectReader.readAuth(version, fromClient, in, bounds);
            default -> throw new MqttFault(MALFORMED_PACKET, "packet type 0 is reserved");
        };
    }

    /** A second CONNECT is read by its own version, changes nothing here, and is the session's to refuse. */
    private Packet.Connect readConnect(ByteBuffer in) {
        var protocol = ConnectReader.readProtocol(in);
        if (version == null) version = protocol.nearestVersion();
        return ConnectReader.read(protocol.version(), in, bounds);
    }

    /** [MQTT-2.1.3-1]; MQTT 3.1 sets DUP when it sends PUBREL, SUBSCRIBE or UNSUBSCRIBE again. */
    private void checkFlags(int type, int flags) {
        var fixed = PacketType.fixedFlags(type);
        var dupAllowed = version == ProtocolVersion.V3_1 && fixed != 0;
        if (type != PacketType.PUBLISH && flags != fixed && !(dupAllowed && flags == (fixed | DUP)))
            throw new MqttFault(MALFORMED_PACKET, "wrong flags in the fixed header");
    }
}

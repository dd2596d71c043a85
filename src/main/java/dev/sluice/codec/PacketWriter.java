package dev.sluice.codec;

import static dev.sluice.codec.PacketType.PUBACK;
import static dev.sluice.codec.PacketType.PUBCOMP;
import static dev.sluice.codec.PacketType.PUBREC;
import static dev.sluice.codec.PacketType.PUBREL;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;

/**
 * Owns the version in which one connection's packets are written. Immutable. What an older version cannot say is left
 * out: properties, the reason of an acknowledgement, the kind of a failed subscription.
 */
public final class PacketWriter {
    private final ProtocolVersion version;

    public PacketWriter(ProtocolVersion version) {
        this.version = version;
    }

    /**
     * Appends the packet whole or, when a field is too long for its encoding or a reason code has no place in the packet, throws and
     * appends nothing.
     */
    public void write(Packet packet, PacketBuffer out) {
        var start = out.length();
        try {
            append(packet, out);
        } catch (IllegalArgumentException fault) {
            out.truncate(start);
            throw fault;
        }
    }

    /** The bytes that {@link #write} would append, for the Maximum Packet Size of the other side [MQTT-3.1.2-24]. */
    public int size(Packet packet) {
        var length = remainingLength(packet);
        return 1 + VariableByteInteger.size(length) + length;
    }

    private void append(Packet packet, PacketBuffer out) {
        if (version.isV5()) requireAllowed(packet);
        switch (packet) {
            case Packet.PubAck a -> AckWriter.write(version, PUBACK, a.packetId(), a.reason(), a.properties(), out);
            case Packet.Publish p -> PublishWriter.write(version, p, head(p, out));
            case Packet.PubRec a -> AckWriter.write(version, PUBREC, a.packetId(), a.reason(), a.properties(), out);
            case Packet.PubRel a -> AckWriter.write(version, PUBREL, a.packetId(), a.reason(), a.properties(), out);
            case Packet.PubComp a -> AckWriter.write(version, PUBCOMP, a.packetId(), a.reason(), a.properties(), out);
            case Packet.Connect c -> ConnectWriter.write(c, head(c, out));
            case Packet.ConnAck c -> ConnectWriter.write(version, c, head(c, out));
            case Packet.Subscribe s -> SubscribeWriter.write(version, s, head(s, out));
            case Packet.SubAck s -> SubscribeWriter.write(version, s, head(s, out));
            case Packet.Unsubscribe u -> SubscribeWriter.write(version, u, head(u, out));
            case Packet.UnsubAck u -> SubscribeWriter.write(version, u, head(u, out));
            case Packet.PingReq p -> head(p, out);
            case Packet.PingResp p -> head(p, out);
            case Packet.Disconnect d ->
                DisconnectWriter.writeDisconnect(version, d.reason(), d.properties(), head(d, out));
            case Packet.Auth a -> DisconnectWriter.writeAuth(version, a.reason(), a.properties(), head(a, out));
        }
    }

    /** [MQTT-3.2.2-8] [MQTT-3.14.2-1] */
    private static void requireAllowed(Packet packet) {
        if (packet instanceof Packet.ConnAck connAck) AllowedReasons.CONNACK.requireWritable(connAck.reason());
        if (packet instanceof Packet.Disconnect bye && bye.reason() != ReasonCode.DISCONNECT_WITH_WILL_MESSAGE)
            AllowedReasons.DISCONNECT_BY_SERVER.requireWritable(bye.reason());
    }

    /** Writes the fixed header. */
    private PacketBuffer head(Packet packet, PacketBuffer out) {
        var length = remainingLength(packet);
        if (length > VariableByteInteger.MAXIMUM) throw new IllegalArgumentException("packet of " + length + " bytes");
        out.putByte(firstByte(packet));
        out.putVariableByteInteger(length);
        return out;
    }

    private static int firstByte(Packet packet) {
        var type = type(packet);
        int flags =
                packet instanceof Packet.Publish publish ? PublishWriter.flags(publish) : PacketType.fixedFlags(type);
        return type << 4 | flags;
    }

    private int remainingLength(Packet packet) {
        return switch (packet) {
            case Packet.Connect c -> ConnectWriter.remainingLength(c);
            case Packet.ConnAck c -> ConnectWriter.remainingLength(version, c);
            case Packet.Publish p -> PublishWriter.remainingLength(version, p);
            case Packet.PubAck a -> AckWriter.remainingLength(version, a.reason(), a.properties());
            case Packet.PubRec a -> AckWriter.remainingLength(version, a.reason(), a.properties());
            case Packet.PubRel a -> AckWriter.remainingLength(version, a.reason(), a.properties());
            case Packet.PubComp a -> AckWriter.remainingLength(version, a.reason(), a.properties());
            case Packet.Subscribe s -> SubscribeWriter.remainingLength(version, s);
            case Packet.SubAck s -> SubscribeWriter.remainingLength(version, s);
            case Packet.Unsubscribe u -> SubscribeWriter.remainingLength(version, u);
            case Packet.UnsubAck u -> SubscribeWriter.remainingLength(version, u);
            case Packet.PingReq _, Packet.PingResp _ -> 0;
            case Packet.Disconnect d -> DisconnectWriter.disconnectLength(version, d.reason(), d.properties());
            case Packet.Auth a -> DisconnectWriter.authLength(version, a.reason(), a.properties());
        };
    }

    private static int type(Packet packet) {
        return switch (packet) {
            case Packet.Connect _ -> PacketType.CONNECT;
            case Packet.ConnAck _ -> PacketType.CONNACK;
            case Packet.Publish _ -> PacketType.PUBLISH;
            case Packet.PubAck _ -> PUBACK;
            case Packet.PubRec _ -> PUBREC;
            case Packet.PubRel _ -> PUBREL;
            case Packet.PubComp _ -> PUBCOMP;
            case Packet.Subscribe _ -> PacketType.SUBSCRIBE;
            case Packet.SubAck _ -> PacketType.SUBACK;
            case Packet.Unsubscribe _ -> PacketType.UNSUBSCRIBE;
            case Packet.UnsubAck _ -> PacketType.UNSUBACK;
            case Packet.PingReq _ -> PacketType.PINGREQ;
            case Packet.PingResp _ -> PacketType.PINGRESP;
            case Packet.Disconnect _ -> PacketType.DISCONNECT;
            case Packet.Auth _ -> PacketType.AUTH;
        };
    }
}

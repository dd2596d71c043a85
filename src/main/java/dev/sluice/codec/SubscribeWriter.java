package dev.sluice.codec;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import java.util.List;

/** Owns how SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK are written (sections 3.8 to 3.11). Stateless. */
final class SubscribeWriter {
    private static final int NO_LOCAL = 0b0000_0100;
    private static final int RETAIN_AS_PUBLISHED = 0b0000_1000;
    private static final int RETAIN_HANDLING_SHIFT = 4;
    private static final int FAILURE_V3 = 0x80;

    private SubscribeWriter() {}

    static int remainingLength(ProtocolVersion version, Packet.Subscribe subscribe) {
        var length = headSize(version, subscribe.properties());
        for (var subscription : subscribe.subscriptions()) length += 2 + Utf8.length(subscription.filter()) + 1;
        return length;
    }

    static void write(ProtocolVersion version, Packet.Subscribe subscribe, PacketBuffer out) {
        writeHead(version, subscribe.packetId(), subscribe.properties(), out);
        for (var subscription : subscribe.subscriptions()) {
            out.putText(subscription.filter());
            out.putByte(
                    version.isV5()
                            ? options(subscription)
                            : subscription.maximumQoS().ordinal());
        }
    }

    static int remainingLength(ProtocolVersion version, Packet.Unsubscribe unsubscribe) {
        var length = headSize(version, unsubscribe.properties());
        for (var filter : unsubscribe.filters()) length += 2 + Utf8.length(filter);
        return length;
    }

    static void write(ProtocolVersion version, Packet.Unsubscribe unsubscribe, PacketBuffer out) {
        writeHead(version, unsubscribe.packetId(), unsubscribe.properties(), out);
        for (var filter : unsubscribe.filters()) out.putText(filter);
    }

    static int remainingLength(ProtocolVersion version, Packet.SubAck subAck) {
        return headSize(version, subAck.properties()) + subAck.reasons().size();
    }

    static void write(ProtocolVersion version, Packet.SubAck subAck, PacketBuffer out) {
        writeHead(version, subAck.packetId(), subAck.properties(), out);
        writeReasons(version, subAck.reasons(), out);
    }

    /** MQTT 3 says nothing but the Packet Identifier. */
    static int remainingLength(ProtocolVersion version, Packet.UnsubAck unsubAck) {
        var reasons = version.isV5() ? unsubAck.reasons().size() : 0;
        return headSize(version, unsubAck.properties()) + reasons;
    }

    static void write(ProtocolVersion version, Packet.UnsubAck unsubAck, PacketBuffer out) {
        writeHead(version, unsubAck.packetId(), unsubAck.properties(), out);
        if (version.isV5()) writeReasons(version, unsubAck.reasons(), out);
    }

    private static int headSize(ProtocolVersion version, Properties properties) {
        return version.isV5() ? 2 + PropertiesWriter.size(properties) : 2;
    }

    private static void writeHead(ProtocolVersion version, int packetId, Properties properties, PacketBuffer out) {
        out.putTwoBytes(packetId);
        if (version.isV5()) PropertiesWriter.write(properties, out);
    }

    private static void writeReasons(ProtocolVersion version, List<ReasonCode> reasons, PacketBuffer out) {
        for (var reason : reasons) out.putByte(!version.isV5() && reason.isError() ? FAILURE_V3 : reason.value());
    }

    private static int options(Subscription subscription) {
        var options = subscription.maximumQoS().ordinal() | subscription.retainHandling() << RETAIN_HANDLING_SHIFT;
        if (subscription.noLocal()) options |= NO_LOCAL;
        return subscription.retainAsPublished() ? options | RETAIN_AS_PUBLISHED : options;
    }
}

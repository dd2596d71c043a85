package dev.sluice.session;

import dev.sluice.codec.PacketWriter;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;

/** Makes the PUBLISHes for one client out of deliveries, as its version and limits want them; confined to its event loop. */
final class OutboundPackets {
    private final boolean v5;
    private final long largest;
    /** Measures packets for a client that limits them, else null. */
    private final PacketWriter writer;

    private final int aliasMaximum;
    /** Null before the first PUBLISH, and without aliases. */
    private OutboundAliases aliases;

    OutboundPackets(ProtocolVersion version, Limits limits, Grant grant) {
        this.v5 = version.isV5();
        this.largest = grant.clientMaximumPacketSize();
        this.writer = grant.limitsPackets() ? new PacketWriter(version) : null;
        this.aliasMaximum = Math.min(limits.topicAliasMaximum(), grant.clientTopicAliasMaximum());
    }

    /**
     * The PUBLISH to send, which the client then has been sent: aliases count on it. Null if it is larger than the client's
     * Maximum Packet Size [MQTT-3.1.2-24].
     *
     * @param now milliseconds since 1970; the message has not expired
     */
    Packet.Publish make(Delivery delivery, int packetId, long now) {
        var message = delivery.message();
        var publish = new Packet.Publish(
                delivery.dup() && delivery.qos() != QoS.AT_MOST_ONCE, // [MQTT-3.3.1-2]
                delivery.qos(),
                delivery.retain(),
                message.topicName(),
                packetId,
                v5 ? properties(delivery, now) : Properties.NONE,
                message.payload());
        var room = writer == null ? Long.MAX_VALUE : largest - writer.size(publish);
        if (room < 0) return null;
        if (aliasMaximum == 0) return publish;
        if (aliases == null) aliases = new OutboundAliases(aliasMaximum);
        return aliases.apply(publish, room);
    }

    private static Properties properties(Delivery delivery, long now) {
        var message = delivery.message();
        var properties = message.properties();
        // [MQTT-3.3.4-3]
        if (!delivery.subscriptionIdentifiers().isEmpty())
            properties = properties.withSubscriptionIdentifiers(delivery.subscriptionIdentifiers());
        if (message.expiresAt() == Message.NEVER) return properties;
        var seconds = Math.max(1, (message.expiresAt() - now) / 1000);
        return properties.with(Property.MESSAGE_EXPIRY_INTERVAL, seconds); // [MQTT-3.3.2-6]
    }
}

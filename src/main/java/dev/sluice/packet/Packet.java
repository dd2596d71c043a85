package dev.sluice.packet;

import dev.sluice.topic.TopicName;
import java.util.List;

/**
 * The 15 control packets of MQTT 3.1, 3.1.1 and 5.0 as one immutable model: packets of older versions have empty
 * properties. Byte arrays are not copied; whoever hands one over gives it up.
 */
public sealed interface Packet {
    /**
     * @param keepAlive seconds, 0 for none
     * @param will null without a will
     * @param username null without a user name
     * @param password null without a password
     */
    record Connect(
            ProtocolVersion version,
            boolean cleanStart,
            int keepAlive,
            String clientId,
            Will will,
            String username,
            byte[] password,
            Properties properties)
            implements Packet {
        /** The same for whoever has no use for the password. */
        public Connect withoutPassword() {
            return new Connect(version, cleanStart, keepAlive, clientId, will, username, null, properties);
        }
    }

    record ConnAck(boolean sessionPresent, ReasonCode reason, Properties properties) implements Packet {}

    /** @param packetId 1 to 65,535, or 0 at QoS 0 */
    record Publish(
            boolean dup,
            QoS qos,
            boolean retain,
            TopicName topicName,
            int packetId,
            Properties properties,
            byte[] payload)
            implements Packet {}

    record PubAck(int packetId, ReasonCode reason, Properties properties) implements Packet {
        public PubAck(int packetId) {
            this(packetId, ReasonCode.SUCCESS, Properties.NONE);
        }
    }

    record PubRec(int packetId, ReasonCode reason, Properties properties) implements Packet {
        public PubRec(int packetId) {
            this(packetId, ReasonCode.SUCCESS, Properties.NONE);
        }
    }

    record PubRel(int packetId, ReasonCode reason, Properties properties) implements Packet {
        public PubRel(int packetId) {
            this(packetId, ReasonCode.SUCCESS, Properties.NONE);
        }
    }

    record PubComp(int packetId, ReasonCode reason, Properties properties) implements Packet {
        public PubComp(int packetId) {
            this(packetId, ReasonCode.SUCCESS, Properties.NONE);
        }
    }

    record Subscribe(int packetId, List<Subscription> subscriptions, Properties properties) implements Packet {}

    record SubAck(int packetId, List<ReasonCode> reasons, Properties properties) implements Packet {}

    record Unsubscribe(int packetId, List<String> filters, Properties properties) implements Packet {}

    /** @param reasons one for each filter; empty in MQTT 3, whose UNSUBACK has no payload */
    record UnsubAck(int packetId, List<ReasonCode> reasons, Properties properties) implements Packet {}

    record PingReq() implements Packet {}

    record PingResp() implements Packet {}

    record Disconnect(ReasonCode reason, Properties properties) implements Packet {}

    record Auth(ReasonCode reason, Properties properties) implements Packet {}
}

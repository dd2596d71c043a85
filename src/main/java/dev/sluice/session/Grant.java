package dev.sluice.session;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * What a CONNECT asked for, cut to what the server grants. Immutable.
 *
 * @param clientId never empty; assigned by the server where the client sent none
 * @param keepAlive seconds, 0 for none
 * @param sessionExpiry seconds; 0 ends the session with the connection
 * @param clientMaximumPacketSize bytes, 0xFFFFFFFF for no limit
 * @param clientReceiveMaximum unanswered QoS 1 and 2 PUBLISHes that the client takes, 65,535 unless it said less
 * @param clientTopicAliasMaximum 0 for none
 */
public record Grant(
        String clientId,
        boolean assignedClientId,
        int keepAlive,
        long sessionExpiry,
        boolean reasonStrings,
        long clientMaximumPacketSize,
        int clientReceiveMaximum,
        int clientTopicAliasMaximum) {

    private static final long NO_PACKET_LIMIT = 0xFFFFFFFFL;
    private static final long NEVER_EXPIRES = 0xFFFFFFFFL;
    /** The rest of the longest acknowledgement: fixed header, packet identifier, reason code, lengths, property id. */
    private static final int ROOM_BESIDE_REASON_STRING = 5 + 2 + 1 + 4 + 3;

    static Grant of(Packet.Connect connect, Limits limits) {
        var properties = connect.properties();
        return new Grant(
                clientId(connect, limits),
                connect.clientId().isEmpty(),
                keepAlive(connect, limits),
                sessionExpiry(connect, limits),
                properties.number(Property.REQUEST_PROBLEM_INFORMATION, 1) == 1,
                properties.number(Property.MAXIMUM_PACKET_SIZE, NO_PACKET_LIMIT),
                (int) properties.number(Property.RECEIVE_MAXIMUM, 65_535),
                (int) properties.number(Property.TOPIC_ALIAS_MAXIMUM, 0));
    }

    /** The same client's grant, once it is known what that client may have. */
    Grant within(Packet.Connect connect, Limits limits) {
        return new Grant(
                clientId,
                assignedClientId,
                keepAlive(connect, limits),
                sessionExpiry(connect, limits),
                reasonStrings,
                clientMaximumPacketSize,
                clientReceiveMaximum,
                clientTopicAliasMaximum);
    }

    private static String clientId(Packet.Connect connect, Limits limits) {
        var clientId = connect.clientId();
        if (clientId.isEmpty()) {
            var mayBeEmpty =
                    switch (connect.version()) {
                        case V3_1 -> false;
                        case V3_1_1 -> connect.cleanStart(); // [MQTT-3.1.3-8 of 3.1.1]
                        case V5 -> true; // [MQTT-3.1.3-6]
                    };
            if (!mayBeEmpty)
                throw new MqttFault(
                        ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, "an empty client identifier needs a clean session");
            return "auto-" + UUID.randomUUID().toString().replace("-", "");
        }
        var length = clientId.getBytes(StandardCharsets.UTF_8).length;
        if (length > limits.clientIdMaximum())
            throw new MqttFault(
                    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
                    "the client identifier has " + length + " bytes, at most " + limits.clientIdMaximum()
                            + " are accepted (sluice.mqtt.client-id-maximum)");
        return clientId;
    }

    private static int keepAlive(Packet.Connect connect, Limits limits) {
        var asked = connect.keepAlive();
        var maximum = limits.keepAliveMaximum();
        // MQTT 3 has no way to tell the client of another keep alive, so its own stands.
        if (!connect.version().isV5() || maximum == 0) return asked;
        return asked == 0 ? maximum : Math.min(asked, maximum); // (section 3.2.2.3.14)
    }

    private static long sessionExpiry(Packet.Connect connect, Limits limits) {
        if (!connect.version().isV5()) return connect.cleanStart() ? 0 : limits.sessionExpiryMaximum();
        return Math.min(
                connect.properties().number(Property.SESSION_EXPIRY_INTERVAL, 0), limits.sessionExpiryMaximum());
    }

    /** The properties of the CONNACK that accepts this CONNECT [MQTT-3.2.2]. */
    Properties connAckProperties(Packet.Connect connect, Limits limits) {
        if (connect.version() != ProtocolVersion.V5) return Properties.NONE;
        var properties = Properties.NONE
                .with(Property.RECEIVE_MAXIMUM, limits.receiveMaximum())
                .with(Property.MAXIMUM_PACKET_SIZE, limits.maximumPacketSize())
                .with(Property.TOPIC_ALIAS_MAXIMUM, limits.topicAliasMaximum());
        if (connect.properties().number(Property.SESSION_EXPIRY_INTERVAL, 0) != sessionExpiry)
            properties = properties.with(Property.SESSION_EXPIRY_INTERVAL, sessionExpiry);
        if (assignedClientId) properties = properties.with(Property.ASSIGNED_CLIENT_IDENTIFIER, clientId);
        if (connect.keepAlive() != keepAlive) properties = properties.with(Property.SERVER_KEEP_ALIVE, keepAlive);
        var response = limits.responseInformation();
        if (response != null && connect.properties().number(Property.REQUEST_RESPONSE_INFORMATION, 0) == 1)
            properties = properties.with(Property.RESPONSE_INFORMATION, response);
        return properties;
    }

    boolean limitsPackets() {
        return clientMaximumPacketSize < NO_PACKET_LIMIT;
    }

    /** A Reason String where the client wants one and its Maximum Packet Size leaves room for it [MQTT-3.4.2-2]. */
    Properties reasonString(String why) {
        return reasonString(why, 0);
    }

    /** That of a packet with further reason codes. */
    Properties reasonString(String why, int reasons) {
        return reasonStrings ? reasonString(why, clientMaximumPacketSize - reasons) : Properties.NONE;
    }

    /** That of a CONNACK, which may have one whatever the client asked for, if it leaves room [MQTT-3.2.2-19]. */
    static Properties reasonString(String why, Packet.Connect connect) {
        return reasonString(why, connect.properties().number(Property.MAXIMUM_PACKET_SIZE, NO_PACKET_LIMIT));
    }

    private static Properties reasonString(String why, long maximumPacketSize) {
        var fits = maximumPacketSize >= ROOM_BESIDE_REASON_STRING + why.getBytes(StandardCharsets.UTF_8).length;
        return fits ? Properties.NONE.with(Property.REASON_STRING, why) : Properties.NONE;
    }

    /** This grant with the expiry that a DISCONNECT asks for; going from none to some is an error (section 3.14.2.2.2). */
    Grant withSessionExpiry(long asked, Limits limits) {
        if (sessionExpiry == 0 && asked != 0)
            throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "DISCONNECT sets a session expiry, CONNECT set none");
        var granted =
                asked == NEVER_EXPIRES ? limits.sessionExpiryMaximum() : Math.min(asked, limits.sessionExpiryMaximum());
        return new Grant(
                clientId,
                assignedClientId,
                keepAlive,
                granted,
                reasonStrings,
                clientMaximumPacketSize,
                clientReceiveMaximum,
                clientTopicAliasMaximum);
    }
}

package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;
import static dev.sluice.packet.ReasonCode.PROTOCOL_ERROR;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import java.nio.ByteBuffer;

/** Owns how DISCONNECT and AUTH are read, whose codes depend on who sends them (sections 3.14, 3.15). Stateless. */
final class DisconnectReader {
    private DisconnectReader() {}

    static Packet.Disconnect readDisconnect(
            ProtocolVersion version, boolean byClient, ByteBuffer in, InputBounds bounds) {
        // Empty is all that MQTT 3 knows; for MQTT 5 it is short for SUCCESS (section 3.14.2.1).
        if (!version.isV5() || !in.hasRemaining()) return new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE);
        var allowed = byClient ? AllowedReasons.DISCONNECT_BY_CLIENT : AllowedReasons.DISCONNECT_BY_SERVER;
        var reason = allowed.read(in);
        var properties =
                in.hasRemaining() ? PropertiesReader.read(PropertyPlace.DISCONNECT, in, bounds) : Properties.NONE;
        // [MQTT-3.14.2-2]; a Server Reference is the server's to give (section 3.14.2.2.5)
        var othersProperty = byClient ? Property.SERVER_REFERENCE : Property.SESSION_EXPIRY_INTERVAL;
        if (properties.has(othersProperty))
            throw new MqttFault(PROTOCOL_ERROR, othersProperty + " from the wrong side");
        return new Packet.Disconnect(reason, properties);
    }

    static Packet.Auth readAuth(ProtocolVersion version, boolean byClient, ByteBuffer in, InputBounds bounds) {
        if (!version.isV5()) throw new MqttFault(MALFORMED_PACKET, "packet type 15 is reserved in MQTT 3");
        var allowed = byClient ? AllowedReasons.AUTH_BY_CLIENT : AllowedReasons.AUTH_BY_SERVER;
        // section 3.15.2.1 lets the whole rest be left out at SUCCESS
        if (!in.hasRemaining()) return new Packet.Auth(allowed.check(ReasonCode.SUCCESS), Properties.NONE);
        var reason = allowed.read(in);
        var properties = PropertiesReader.read(PropertyPlace.AUTH, in, bounds);
        if (!properties.has(Property.AUTHENTICATION_METHOD))
            throw new MqttFault(PROTOCOL_ERROR, "AUTH without Authentication Method");
        return new Packet.Auth(reason, properties);
    }
}

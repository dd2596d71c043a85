package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;
import static dev.sluice.packet.ReasonCode.PROTOCOL_ERROR;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import java.nio.ByteBuffer;

/** Owns how CONNACK is read (section 3.2). Stateless. */
final class ConnAckReader {
    private static final ReasonCode[] BY_V3_RETURN_CODE = {
        ReasonCode.SUCCESS,
        ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
        ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
        ReasonCode.SERVER_UNAVAILABLE,
        ReasonCode.BAD_USER_NAME_OR_PASSWORD,
        ReasonCode.NOT_AUTHORIZED,
    };

    private ConnAckReader() {}

    static Packet.ConnAck read(ProtocolVersion version, ByteBuffer in) {
        var sessionPresent = readSessionPresent(version, in);
        var reason = version.isV5() ? AllowedReasons.CONNACK.read(in) : readReturnCode(in);
        if (sessionPresent && reason != ReasonCode.SUCCESS) {
            throw new MqttFault(PROTOCOL_ERROR, "session present in a refusal"); // [MQTT-3.2.2-6]
        }
        var properties =
                version.isV5() ? PropertiesReader.read(PropertyPlace.CONNACK, in, InputBounds.NONE) : Properties.NONE;
        return new Packet.ConnAck(sessionPresent, reason, properties);
    }

    /** MQTT 3.1 has a byte without meaning here. */
    private static boolean readSessionPresent(ProtocolVersion version, ByteBuffer in) {
        var flags = Wire.oneByte(in);
        if (version == ProtocolVersion.V3_1) return false;
        if (flags > 1) throw new MqttFault(MALFORMED_PACKET, "reserved acknowledge flags"); // [MQTT-3.2.2-1]
        return flags == 1;
    }

    private static ReasonCode readReturnCode(ByteBuffer in) {
        var code = Wire.oneByte(in);
        if (code < BY_V3_RETURN_CODE.length) return BY_V3_RETURN_CODE[code];
        throw new MqttFault(PROTOCOL_ERROR, "reserved return code " + code);
    }
}

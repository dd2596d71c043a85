package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;
import static dev.sluice.packet.ReasonCode.PACKET_TOO_LARGE;
import static dev.sluice.packet.ReasonCode.TOPIC_NAME_INVALID;
import static dev.sluice.packet.ReasonCode.UNSUPPORTED_PROTOCOL_VERSION;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Owns how CONNECT is read (section 3.1). Stateless. */
final class ConnectReader {
    private static final int RESERVED = 0x01;
    private static final int CLEAN_START = 0x02;
    private static final int WILL = 0x04;
    private static final int WILL_QOS_SHIFT = 3;
    private static final int WILL_QOS = 0x18;
    private static final int WILL_RETAIN = 0x20;
    private static final int PASSWORD = 0x40;
    private static final int USER_NAME = 0x80;
    /** In the level of some brokers' bridges, which try again without it once they are told that it is not accepted. */
    private static final int BRIDGE = 0x80;

    private static final ProtocolVersion[] VERSIONS = ProtocolVersion.values();

    private ConnectReader() {}

    /** Protocol Name and Protocol Version as they came. */
    record Protocol(String name, int level) {
        /** [MQTT-3.1.2-1], [MQTT-3.1.2-2] */
        ProtocolVersion version() {
            for (var version : VERSIONS) {
                if (version.level() == level && version.protocolName().equals(name)) return version;
            }
            throw new MqttFault(UNSUPPORTED_PROTOCOL_VERSION, "neither MQTT 3.1, 3.1.1 nor 5");
        }

        /** The version in whose CONNACK a client of this level can be answered. */
        ProtocolVersion nearestVersion() {
            var plain = level & ~BRIDGE;
            if (plain >= ProtocolVersion.V5.level()) return ProtocolVersion.V5;
            return plain == ProtocolVersion.V3_1.level() ? ProtocolVersion.V3_1 : ProtocolVersion.V3_1_1;
        }
    }

    static Protocol readProtocol(ByteBuffer in) {
        var name = new String(Wire.binary(in), StandardCharsets.ISO_8859_1);
        return new Protocol(name, Wire.oneByte(in));
    }

    /** Reads what follows the Protocol Version. */
    static Packet.Connect read(ProtocolVersion version, ByteBuffer in, InputBounds bounds) {
        var flags = Wire.oneByte(in);
        checkFlags(version, flags);
        var keepAlive = Wire.twoBytes(in);
        var properties = version.isV5() ? PropertiesReader.read(PropertyPlace.CONNECT, in, bounds) : Properties.NONE;
        var clientId = Wire.text(in);
        var willStart = in.position();
        var will = (flags & WILL) == 0 ? null : readWill(version, flags, in, bounds);
        var willBytes = in.position() - willStart;
        var username = isPresent(version, flags & USER_NAME, in) ? Wire.text(in) : null;
        var password = isPresent(version, flags & PASSWORD, in) ? Wire.binary(in) : null;
        checkSize(in.limit() - willBytes - (password == null ? 0 : 2 + password.length), bounds);
        var cleanStart = (flags & CLEAN_START) != 0;
        return new Packet.Connect(version, cleanStart, keepAlive, clientId, will, username, password, properties);
    }

    private static void checkFlags(ProtocolVersion version, int flags) {
        check((flags & WILL_QOS) != WILL_QOS, "will QoS 3"); // [MQTT-3.1.2-12]
        // [MQTT-3.1.2-22] of 3.1.1; MQTT 5 allows a password alone
        check(version.isV5() || (flags & (USER_NAME | PASSWORD)) != PASSWORD, "password without user name");
        // MQTT 3.1 calls these bits unused and says nothing of a refusal
        if (version == ProtocolVersion.V3_1) return;
        check((flags & RESERVED) == 0, "reserved connect flag"); // [MQTT-3.1.2-3]
        // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
        check((flags & WILL) != 0 || (flags & (WILL_QOS | WILL_RETAIN)) == 0, "will flags without a will");
    }

    private static Will readWill(ProtocolVersion version, int flags, ByteBuffer in, InputBounds bounds) {
        var properties = version.isV5() ? PropertiesReader.read(PropertyPlace.WILL, in, bounds) : Properties.NONE;
        var topicName = ReceivedTopics.checked(Wire.binary(in));
        if (topicName.isEmpty()) throw new MqttFault(TOPIC_NAME_INVALID, "empty will topic"); // [MQTT-4.7.3-1]
        var qos = QoS.of((flags & WILL_QOS) >> WILL_QOS_SHIFT);
        return new Will(topicName, qos, (flags & WILL_RETAIN) != 0, properties, Wire.binary(in));
    }

    /** @param size of all but will and password */
    private static void checkSize(int size, InputBounds bounds) {
        if (size > bounds.connectBytes())
            throw InputBounds.fault(
                    PACKET_TOO_LARGE,
                    InputBounds.CONNECT_BYTES,
                    "CONNECT has " + size + " bytes besides its will and password, at most " + bounds.connectBytes()
                            + " are accepted");
    }

    /** MQTT 3.1 lets the Remaining Length take precedence over the flags for user name and password. */
    private static boolean isPresent(ProtocolVersion version, int flag, ByteBuffer in) {
        return flag != 0 && (version != ProtocolVersion.V3_1 || in.hasRemaining());
    }

    private static void check(boolean holds, String fault) {
        if (!holds) throw new MqttFault(MALFORMED_PACKET, fault);
    }
}

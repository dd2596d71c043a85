package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.*;

import dev.sluice.packet.ReasonCode;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.Set;

/** Owns which reason codes each packet of MQTT 5 may carry (table 2-6 and the tables of chapter 3). Immutable. */
enum AllowedReasons {
    CONNACK(EnumSet.of(
            SUCCESS,
            UNSPECIFIED_ERROR,
            MALFORMED_PACKET,
            PROTOCOL_ERROR,
            IMPLEMENTATION_SPECIFIC_ERROR,
            UNSUPPORTED_PROTOCOL_VERSION,
            CLIENT_IDENTIFIER_NOT_VALID,
            BAD_USER_NAME_OR_PASSWORD,
            NOT_AUTHORIZED,
            SERVER_UNAVAILABLE,
            SERVER_BUSY,
            BANNED,
            BAD_AUTHENTICATION_METHOD,
            TOPIC_NAME_INVALID,
            PACKET_TOO_LARGE,
            QUOTA_EXCEEDED,
            PAYLOAD_FORMAT_INVALID,
            RETAIN_NOT_SUPPORTED,
            QOS_NOT_SUPPORTED,
            USE_ANOTHER_SERVER,
            SERVER_MOVED,
            CONNECTION_RATE_EXCEEDED)),
    /** PUBACK and PUBREC. */
    PUBLISH_ANSWER(EnumSet.of(
            SUCCESS,
            NO_MATCHING_SUBSCRIBERS,
            UNSPECIFIED_ERROR,
            IMPLEMENTATION_SPECIFIC_ERROR,
            NOT_AUTHORIZED,
            TOPIC_NAME_INVALID,
            PACKET_IDENTIFIER_IN_USE,
            QUOTA_EXCEEDED,
            PAYLOAD_FORMAT_INVALID)),
    /** PUBREL and PUBCOMP. */
    RELEASE(EnumSet.of(SUCCESS, PACKET_IDENTIFIER_NOT_FOUND)),
    SUBACK(EnumSet.of(
            SUCCESS,
            GRANTED_QOS_1,
            GRANTED_QOS_2,
            UNSPECIFIED_ERROR,
            IMPLEMENTATION_SPECIFIC_ERROR,
            NOT_AUTHORIZED,
            TOPIC_FILTER_INVALID,
            PACKET_IDENTIFIER_IN_USE,
            QUOTA_EXCEEDED,
            SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
            SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
            WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED)),
    /** [MQTT-3.9.3-2] of 3.1.1. */
    SUBACK_V3(EnumSet.of(SUCCESS, GRANTED_QOS_1, GRANTED_QOS_2, UNSPECIFIED_ERROR)),
    UNSUBACK(EnumSet.of(
            SUCCESS,
            NO_SUBSCRIPTION_EXISTED,
            UNSPECIFIED_ERROR,
            IMPLEMENTATION_SPECIFIC_ERROR,
            NOT_AUTHORIZED,
            TOPIC_FILTER_INVALID,
            PACKET_IDENTIFIER_IN_USE)),
    DISCONNECT_BY_CLIENT(EnumSet.of(
            SUCCESS,
            DISCONNECT_WITH_WILL_MESSAGE,
            UNSPECIFIED_ERROR,
            MALFORMED_PACKET,
            PROTOCOL_ERROR,
            IMPLEMENTATION_SPECIFIC_ERROR,
            TOPIC_NAME_INVALID,
            RECEIVE_MAXIMUM_EXCEEDED,
            TOPIC_ALIAS_INVALID,
            PACKET_TOO_LARGE,
            MESSAGE_RATE_TOO_HIGH,
            QUOTA_EXCEEDED,
            ADMINISTRATIVE_ACTION,
            PAYLOAD_FORMAT_INVALID)),
    DISCONNECT_BY_SERVER(EnumSet.of(
            SUCCESS,
            UNSPECIFIED_ERROR,
            MALFORMED_PACKET,
            PROTOCOL_ERROR,
            IMPLEMENTATION_SPECIFIC_ERROR,
            NOT_AUTHORIZED,
            SERVER_BUSY,
            SERVER_SHUTTING_DOWN,
            BAD_AUTHENTICATION_METHOD,
            KEEP_ALIVE_TIMEOUT,
            SESSION_TAKEN_OVER,
            TOPIC_FILTER_INVALID,
            TOPIC_NAME_INVALID,
            RECEIVE_MAXIMUM_EXCEEDED,
            TOPIC_ALIAS_INVALID,
            PACKET_TOO_LARGE,
            MESSAGE_RATE_TOO_HIGH,
            QUOTA_EXCEEDED,
            ADMINISTRATIVE_ACTION,
            PAYLOAD_FORMAT_INVALID,
            RETAIN_NOT_SUPPORTED,
            QOS_NOT_SUPPORTED,
            USE_ANOTHER_SERVER,
            SERVER_MOVED,
            SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
            CONNECTION_RATE_EXCEEDED,
            MAXIMUM_CONNECT_TIME,
            SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
            WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED)),
    AUTH_BY_CLIENT(EnumSet.of(CONTINUE_AUTHENTICATION, RE_AUTHENTICATE)),
    AUTH_BY_SERVER(EnumSet.of(SUCCESS, CONTINUE_AUTHENTICATION));

    private final Set<ReasonCode> allowed;

    AllowedReasons(Set<ReasonCode> allowed) {
        this.allowed = allowed;
    }

    /** A code that has no place here parses, but is not allowed: a Protocol Error by section 1.2. */
    ReasonCode read(ByteBuffer in) {
        var value = Wire.oneByte(in);
        var reason = ReasonCode.of(value);
        if (reason == null)
            throw new MqttFault(PROTOCOL_ERROR, "reason code 0x" + Integer.toHexString(value) + " is not assigned");
        return check(reason);
    }

    ReasonCode check(ReasonCode reason) {
        if (!allowed.contains(reason)) throw new MqttFault(PROTOCOL_ERROR, reason + " has no place in " + this);
        return reason;
    }

    /** Refuses to write a code that has no place here. */
    void requireWritable(ReasonCode reason) {
        if (!allowed.contains(reason)) throw new IllegalArgumentException(reason + " has no place in " + this);
    }

    Set<ReasonCode> reasons() {
        return allowed;
    }
}

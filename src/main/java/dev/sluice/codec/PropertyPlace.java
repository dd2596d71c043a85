package dev.sluice.codec;

import static dev.sluice.packet.Property.*;

import dev.sluice.packet.Property;

/** Owns which properties may stand where (table 2-4). Immutable. */
enum PropertyPlace {
    CONNECT(mask(
            SESSION_EXPIRY_INTERVAL,
            RECEIVE_MAXIMUM,
            MAXIMUM_PACKET_SIZE,
            TOPIC_ALIAS_MAXIMUM,
            REQUEST_RESPONSE_INFORMATION,
            REQUEST_PROBLEM_INFORMATION,
            AUTHENTICATION_METHOD,
            AUTHENTICATION_DATA)),
    CONNACK(mask(
            SESSION_EXPIRY_INTERVAL,
            RECEIVE_MAXIMUM,
            MAXIMUM_QOS,
            RETAIN_AVAILABLE,
            MAXIMUM_PACKET_SIZE,
            ASSIGNED_CLIENT_IDENTIFIER,
            TOPIC_ALIAS_MAXIMUM,
            REASON_STRING,
            WILDCARD_SUBSCRIPTION_AVAILABLE,
            SUBSCRIPTION_IDENTIFIER_AVAILABLE,
            SHARED_SUBSCRIPTION_AVAILABLE,
            SERVER_KEEP_ALIVE,
            RESPONSE_INFORMATION,
            SERVER_REFERENCE,
            AUTHENTICATION_METHOD,
            AUTHENTICATION_DATA)),
    PUBLISH(mask(
                    PAYLOAD_FORMAT_INDICATOR,
                    MESSAGE_EXPIRY_INTERVAL,
                    TOPIC_ALIAS,
                    RESPONSE_TOPIC,
                    CORRELATION_DATA,
                    CONTENT_TYPE)
            | 1L << SUBSCRIPTION_IDENTIFIER_ID),
    WILL(mask(
            WILL_DELAY_INTERVAL,
            PAYLOAD_FORMAT_INDICATOR,
            MESSAGE_EXPIRY_INTERVAL,
            CONTENT_TYPE,
            RESPONSE_TOPIC,
            CORRELATION_DATA)),
    /** A message by itself, which may have been that of a Will. */
    MESSAGE(PUBLISH.allowed & ~(1L << TOPIC_ALIAS.id()) | WILL.allowed),
    /** PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK. */
    ANSWER(mask(REASON_STRING)),
    SUBSCRIBE(1L << SUBSCRIPTION_IDENTIFIER_ID),
    UNSUBSCRIBE(0),
    DISCONNECT(mask(SESSION_EXPIRY_INTERVAL, REASON_STRING, SERVER_REFERENCE)),
    AUTH(mask(AUTHENTICATION_METHOD, AUTHENTICATION_DATA, REASON_STRING));

    private final long allowed;

    /** User Property may stand everywhere. */
    PropertyPlace(long allowed) {
        this.allowed = allowed | 1L << USER_PROPERTY_ID;
    }

    boolean allows(int identifier) {
        return identifier < Long.SIZE && (allowed >>> identifier & 1) == 1;
    }

    private static long mask(Property... properties) {
        var mask = 0L;
        for (var property : properties) mask |= 1L << property.id();
        return mask;
    }
}

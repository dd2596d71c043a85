package dev.sluice.packet;

/**
 * The outcome of an operation, as MQTT 5 names it (section 2.4). Names that share a value are one constant: 0x00 is also
 * "Normal disconnection" and "Granted QoS 0".
 */
public enum ReasonCode {
    SUCCESS(0x00),
    GRANTED_QOS_1(0x01),
    GRANTED_QOS_2(0x02),
    DISCONNECT_WITH_WILL_MESSAGE(0x04),
    NO_MATCHING_SUBSCRIBERS(0x10),
    NO_SUBSCRIPTION_EXISTED(0x11),
    CONTINUE_AUTHENTICATION(0x18),
    RE_AUTHENTICATE(0x19),
    UNSPECIFIED_ERROR(0x80),
    MALFORMED_PACKET(0x81),
    PROTOCOL_ERROR(0x82),
    IMPLEMENTATION_SPECIFIC_ERROR(0x83),
    UNSUPPORTED_PROTOCOL_VERSION(0x84),
    CLIENT_IDENTIFIER_NOT_VALID(0x85),
    BAD_USER_NAME_OR_PASSWORD(0x86),
    NOT_AUTHORIZED(0x87),
    SERVER_UNAVAILABLE(0x88),
    SERVER_BUSY(0x89),
    BANNED(0x8A),
    SERVER_SHUTTING_DOWN(0x8B),
    BAD_AUTHENTICATION_METHOD(0x8C),
    KEEP_ALIVE_TIMEOUT(0x8D),
    SESSION_TAKEN_OVER(0x8E),
    TOPIC_FILTER_INVALID(0x8F),
    TOPIC_NAME_INVALID(0x90),
    PACKET_IDENTIFIER_IN_USE(0x91),
    PACKET_IDENTIFIER_NOT_FOUND(0x92),
    RECEIVE_MAXIMUM_EXCEEDED(0x93),
    TOPIC_ALIAS_INVALID(0x94),
    PACKET_TOO_LARGE(0x95),
    MESSAGE_RATE_TOO_HIGH(0x96),
    QUOTA_EXCEEDED(0x97),
    ADMINISTRATIVE_ACTION(0x98),
    PAYLOAD_FORMAT_INVALID(0x99),
    RETAIN_NOT_SUPPORTED(0x9A),
    QOS_NOT_SUPPORTED(0x9B),
    USE_ANOTHER_SERVER(0x9C),
    SERVER_MOVED(0x9D),
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED(0x9E),
    CONNECTION_RATE_EXCEEDED(0x9F),
    MAXIMUM_CONNECT_TIME(0xA0),
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED(0xA1),
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED(0xA2);

    private static final ReasonCode[] BY_VALUE = new ReasonCode[256];

    static {
        for (var code : values()) BY_VALUE[code.value] = code;
    }

    private final int value;

    ReasonCode(int value) {
        this.value = value;
    }

    /** The byte on the wire, 0 to 255. */
    public int value() {
        return value;
    }

    /** The code for a byte of the wire, or null where the standard assigns none. */
    public static ReasonCode of(int value) {
        return BY_VALUE[value & 0xFF];
    }

    /** Returns whether the operation failed: 0x80 or greater. */
    public boolean isError() {
        return value >= 0x80;
    }

    /** What CONNACK says for this error; its own code where the standard lists that for CONNACK (section 3.2.2.2). */
    public ReasonCode inConnAck() {
        return switch (this) {
            case SERVER_SHUTTING_DOWN -> SERVER_UNAVAILABLE;
            case ADMINISTRATIVE_ACTION -> NOT_AUTHORIZED;
            case MESSAGE_RATE_TOO_HIGH -> CONNECTION_RATE_EXCEEDED;
            case RECEIVE_MAXIMUM_EXCEEDED, TOPIC_ALIAS_INVALID, PACKET_IDENTIFIER_IN_USE, PACKET_IDENTIFIER_NOT_FOUND ->
                PROTOCOL_ERROR;
            case KEEP_ALIVE_TIMEOUT,
                    SESSION_TAKEN_OVER,
                    TOPIC_FILTER_INVALID,
                    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
                    MAXIMUM_CONNECT_TIME,
                    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
                    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED -> UNSPECIFIED_ERROR;
            default -> this;
        };
    }

    /** What a server's DISCONNECT says for this error; its own code where the standard lists that (section 3.14.2.1). */
    public ReasonCode inDisconnect() {
        return switch (this) {
            case UNSUPPORTED_PROTOCOL_VERSION,
                    CLIENT_IDENTIFIER_NOT_VALID,
                    PACKET_IDENTIFIER_IN_USE,
                    PACKET_IDENTIFIER_NOT_FOUND -> PROTOCOL_ERROR;
            case BAD_USER_NAME_OR_PASSWORD, BANNED -> NOT_AUTHORIZED;
            case SERVER_UNAVAILABLE -> SERVER_BUSY;
            default -> this;
        };
    }

    /** The return code of an MQTT 3.1 or 3.1.1 CONNACK, 0 to 5 [MQTT-3.2.2-6 of 3.1.1]. */
    public int toV3ConnectReturnCode() {
        return switch (this) {
            case SUCCESS -> 0;
            case UNSUPPORTED_PROTOCOL_VERSION -> 1;
            case CLIENT_IDENTIFIER_NOT_VALID -> 2;
            case BAD_USER_NAME_OR_PASSWORD, BAD_AUTHENTICATION_METHOD -> 4;
            case NOT_AUTHORIZED, BANNED -> 5;
            default -> 3;
        };
    }
}

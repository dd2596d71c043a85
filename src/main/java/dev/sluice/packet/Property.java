package dev.sluice.packet;

/**
 * The properties of MQTT 5 (section 2.2.2.2) except the two that may repeat, User Property and Subscription Identifier:
 * those are lists of {@link Properties}.
 */
public enum Property {
    PAYLOAD_FORMAT_INDICATOR(0x01, Type.BYTE),
    MESSAGE_EXPIRY_INTERVAL(0x02, Type.FOUR_BYTES),
    CONTENT_TYPE(0x03, Type.TEXT),
    RESPONSE_TOPIC(0x08, Type.TEXT),
    CORRELATION_DATA(0x09, Type.BINARY),
    SESSION_EXPIRY_INTERVAL(0x11, Type.FOUR_BYTES),
    ASSIGNED_CLIENT_IDENTIFIER(0x12, Type.TEXT),
    SERVER_KEEP_ALIVE(0x13, Type.TWO_BYTES),
    AUTHENTICATION_METHOD(0x15, Type.TEXT),
    AUTHENTICATION_DATA(0x16, Type.BINARY),
    REQUEST_PROBLEM_INFORMATION(0x17, Type.BYTE),
    WILL_DELAY_INTERVAL(0x18, Type.FOUR_BYTES),
    REQUEST_RESPONSE_INFORMATION(0x19, Type.BYTE),
    RESPONSE_INFORMATION(0x1A, Type.TEXT),
    SERVER_REFERENCE(0x1C, Type.TEXT),
    REASON_STRING(0x1F, Type.TEXT),
    RECEIVE_MAXIMUM(0x21, Type.TWO_BYTES),
    TOPIC_ALIAS_MAXIMUM(0x22, Type.TWO_BYTES),
    TOPIC_ALIAS(0x23, Type.TWO_BYTES),
    MAXIMUM_QOS(0x24, Type.BYTE),
    RETAIN_AVAILABLE(0x25, Type.BYTE),
    MAXIMUM_PACKET_SIZE(0x27, Type.FOUR_BYTES),
    WILDCARD_SUBSCRIPTION_AVAILABLE(0x28, Type.BYTE),
    SUBSCRIPTION_IDENTIFIER_AVAILABLE(0x29, Type.BYTE),
    SHARED_SUBSCRIPTION_AVAILABLE(0x2A, Type.BYTE);

    /** The layout of a value; the three integer types are unsigned and held as {@code Long}. */
    public enum Type {
        BYTE,
        TWO_BYTES,
        FOUR_BYTES,
        TEXT,
        BINARY
    }

    public static final int SUBSCRIPTION_IDENTIFIER_ID = 0x0B;
    public static final int USER_PROPERTY_ID = 0x26;

    private static final Property[] BY_ID = new Property[0x2B];

    static {
        for (var property : values()) BY_ID[property.id] = property;
    }

    private final int id;
    private final Type type;

    Property(int id, Type type) {
        this.id = id;
        this.type = type;
    }

    public int id() {
        return id;
    }

    public Type type() {
        return type;
    }

    /** The property for an identifier of the wire, or null where the standard assigns none. */
    public static Property of(int id) {
        return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
    }
}

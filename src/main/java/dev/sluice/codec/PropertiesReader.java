package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;
import static dev.sluice.packet.ReasonCode.PROTOCOL_ERROR;
import static dev.sluice.packet.ReasonCode.TOPIC_ALIAS_INVALID;

import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.UserProperty;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;

/** Owns the properties of one packet while they are read (section 2.2.2). Used once, by one thread. */
final class PropertiesReader {
    private final PropertyPlace place;
    private final EnumMap<Property, Object> values = new EnumMap<>(Property.class);
    private List<UserProperty> userProperties = List.of();
    private List<Integer> subscriptionIdentifiers = List.of();

    private PropertiesReader(PropertyPlace place) {
        this.place = place;
    }

    /** Reads the Property Length and what it covers. */
    static Properties read(PropertyPlace place, ByteBuffer in) {
        var length = VariableByteInteger.read(in);
        if (length == 0) return Properties.NONE;
        Wire.need(in, length);
        return read(place, in, length);
    }

    /** Reads properties of this length, which is known to be there. */
    static Properties read(PropertyPlace place, ByteBuffer in, int length) {
        var packetEnd = in.limit();
        var reader = new PropertiesReader(place);
        in.limit(in.position() + length);
        while (in.hasRemaining()) reader.readOne(in);
        in.limit(packetEnd);
        return reader.finish();
    }

    private void readOne(ByteBuffer in) {
        var identifier = VariableByteInteger.read(in);
        // An identifier that is not valid for its packet type is malformed, a repeated one a Protocol Error (2.2.2.2).
        if (!place.allows(identifier))
            throw new MqttFault(MALFORMED_PACKET, "property " + identifier + " has no place in " + place);
        switch (identifier) {
            case Property.USER_PROPERTY_ID -> readUserProperty(in);
            case Property.SUBSCRIPTION_IDENTIFIER_ID -> readSubscriptionIdentifier(in);
            default -> readSingle(Property.of(identifier), in);
        }
    }

    private void readUserProperty(ByteBuffer in) {
        if (userProperties.isEmpty()) userProperties = new ArrayList<>();
        userProperties.add(new UserProperty(Wire.text(in), Wire.text(in)));
    }

    private void readSubscriptionIdentifier(ByteBuffer in) {
        if (subscriptionIdentifiers.isEmpty()) {
            subscriptionIdentifiers = new ArrayList<>();
        } else if (place == PropertyPlace.SUBSCRIBE) {
            throw new MqttFault(PROTOCOL_ERROR, "Subscription Identifier twice in SUBSCRIBE");
        }
        var identifier = VariableByteInteger.read(in);
        if (identifier == 0) throw new MqttFault(PROTOCOL_ERROR, "Subscription Identifier 0");
        subscriptionIdentifiers.add(identifier);
    }

    private void readSingle(Property property, ByteBuffer in) {
        if (values.containsKey(property)) throw new MqttFault(PROTOCOL_ERROR, property + " twice");
        var value =
                switch (property.type()) {
                    case BYTE -> flag(property, Wire.oneByte(in));
                    case TWO_BYTES -> inRange(property, Wire.twoBytes(in));
                    case FOUR_BYTES -> inRange(property, Wire.fourBytes(in));
                    case TEXT -> text(property, Wire.text(in));
                    case BINARY -> Wire.binary(in);
                };
        values.put(property, value);
    }

    /** Every property of one byte is 0 or 1. */
    private static Long flag(Property property, int value) {
        if (value > 1) throw new MqttFault(PROTOCOL_ERROR, property + " is neither 0 nor 1");
        return (long) value;
    }

    private static Long inRange(Property property, long value) {
        if (value != 0) return value;
        return switch (property) {
            case TOPIC_ALIAS -> throw new MqttFault(TOPIC_ALIAS_INVALID, "Topic Alias 0"); // [MQTT-3.3.2-8]
            case RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE -> throw new MqttFault(PROTOCOL_ERROR, property + " is 0");
            default -> value;
        };
    }

    private static String text(Property property, String value) {
        if (property == Property.RESPONSE_TOPIC && !isTopicName(value)) {
            throw new MqttFault(PROTOCOL_ERROR, "Response Topic is not a Topic Name"); // [MQTT-3.3.2-14]
        }
        return value;
    }

    private static boolean isTopicName(String text) {
        return !text.isEmpty() && text.indexOf('+') < 0 && text.indexOf('#') < 0;
    }

    private Properties finish() {
        if (values.containsKey(Property.AUTHENTICATION_DATA) && !values.containsKey(Property.AUTHENTICATION_METHOD))
            throw new MqttFault(PROTOCOL_ERROR, "Authentication Data without Authentication Method");
        return Properties.of(values, userProperties, subscriptionIdentifiers);
    }
}

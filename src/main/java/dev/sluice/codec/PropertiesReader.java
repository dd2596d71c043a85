package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;
import static dev.sluice.packet.ReasonCode.PROTOCOL_ERROR;
import static dev.sluice.packet.ReasonCode.QUOTA_EXCEEDED;
import static dev.sluice.packet.ReasonCode.TOPIC_ALIAS_INVALID;

import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.UserProperty;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;

/**
 * Owns the properties of one packet while they are read (section 2.2.2). Used once, by one thread.
 *
 * <p>Above a bound it goes on, so that what is behind them can be read, but keeps nothing more than integers.
 */
final class PropertiesReader {
    private final PropertyPlace place;
    private final InputBounds bounds;
    private final EnumMap<Property, Object> values = new EnumMap<>(Property.class);
    private List<UserProperty> userProperties = List.of();
    private List<Integer> subscriptionIdentifiers = List.of();
    private int userPropertyBytes;
    /** Null within the bounds. */
    private Properties.Excess excess;

    private PropertiesReader(PropertyPlace place, InputBounds bounds) {
        this.place = place;
        this.bounds = bounds;
    }

    /**
     * Reads the Property Length and what it covers.
     *
     * @return those of a PUBLISH or of a stored message with the {@link Properties#excess} where they are above a bound
     * @throws MqttFault with {@link MqttFault#bound()} for others that are
     */
    static Properties read(PropertyPlace place, ByteBuffer in, InputBounds bounds) {
        var length = VariableByteInteger.read(in);
        if (length == 0) return Properties.NONE;
        Wire.need(in, length);
        return read(place, in, length, bounds);
    }

    /** Reads properties of this length, which is known to be there. */
    static Properties read(PropertyPlace place, ByteBuffer in, int length, InputBounds bounds) {
        var packetEnd = in.limit();
        var reader = new PropertiesReader(place, bounds);
        if (length > bounds.propertyBytes())
            reader.exceed(
                    InputBounds.PROPERTY_BYTES,
                    length + " bytes of properties, at most " + bounds.propertyBytes() + " are accepted");
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
        if (excess != null) {
            Wire.skip(in);
            Wire.skip(in);
            return;
        }
        if (userProperties.isEmpty()) userProperties = new ArrayList<>();
        var start = in.position();
        userProperties.add(new UserProperty(Wire.text(in), Wire.text(in)));
        userPropertyBytes += 1 + in.position() - start;
        if (userProperties.size() > bounds.userProperties())
            exceed(
                    InputBounds.USER_PROPERTIES,
                    "more than " + bounds.userProperties() + " User Properties in a packet");
        else if (userPropertyBytes > bounds.userPropertyBytes())
            exceed(
                    InputBounds.USER_PROPERTY_BYTES,
                    "more than " + bounds.userPropertyBytes() + " bytes of User Properties in a packet");
    }

    private void exceed(String bound, String sentence) {
        if (place != PropertyPlace.PUBLISH && place != PropertyPlace.MESSAGE)
            throw InputBounds.fault(QUOTA_EXCEEDED, bound, sentence);
        excess = new Properties.Excess(bound, InputBounds.sentence(bound, sentence));
        userProperties = List.of();
        values.values().removeIf(value -> !(value instanceof Long));
    }

    private void readSubscriptionIdentifier(ByteBuffer in) {
        if (subscriptionIdentifiers.isEmpty()) {
            subscriptionIdentifiers = new ArrayList<>();
        } else if (place == PropertyPlace.SUBSCRIBE) {
            throw new MqttFault(PROTOCOL_ERROR, "Subscription Identifier twice in SUBSCRIBE");
        }
        var identifier = VariableByteInteger.read(in);
        if (identifier == 0) throw new MqttFault(PROTOCOL_ERROR, "Subscription Identifier 0");
        if (excess == null) subscriptionIdentifiers.add(identifier);
    }

    private void readSingle(Property property, ByteBuffer in) {
        if (values.containsKey(property)) throw new MqttFault(PROTOCOL_ERROR, property + " twice");
        var isInteger = property.type() != Property.Type.TEXT && property.type() != Property.Type.BINARY;
        if (excess != null && !isInteger) {
            Wire.skip(in);
            return;
        }
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
        if (excess != null) return Properties.exceeding(values, excess);
        return Properties.of(values, userProperties, subscriptionIdentifiers);
    }
}

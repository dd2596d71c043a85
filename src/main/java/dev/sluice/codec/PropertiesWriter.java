package dev.sluice.codec;

import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.UserProperty;

/** Owns how properties are written (section 2.2.2). Stateless. */
final class PropertiesWriter {
    private PropertiesWriter() {}

    /** The bytes of the properties with their Property Length in front. */
    static int size(Properties properties) {
        var length = length(properties);
        return VariableByteInteger.size(length) + length;
    }

    static void write(Properties properties, PacketBuffer out) {
        out.putVariableByteInteger(length(properties));
        if (properties.isEmpty()) return;
        for (var entry : properties.entries()) writeSingle(entry.getKey(), entry.getValue(), out);
        for (int identifier : properties.subscriptionIdentifiers()) {
            out.putByte(Property.SUBSCRIPTION_IDENTIFIER_ID);
            out.putVariableByteInteger(identifier);
        }
        for (var property : properties.userProperties()) {
            out.putByte(Property.USER_PROPERTY_ID);
            out.putText(property.name());
            out.putText(property.value());
        }
    }

    private static void writeSingle(Property property, Object value, PacketBuffer out) {
        out.putByte(property.id());
        switch (property.type()) {
            case BYTE -> out.putByte(((Long) value).intValue());
            case TWO_BYTES -> out.putTwoBytes(((Long) value).intValue());
            case FOUR_BYTES -> out.putFourBytes((Long) value);
            case TEXT -> out.putText((String) value);
            case BINARY -> out.putBinary((byte[]) value);
        }
    }

    private static int length(Properties properties) {
        if (properties.isEmpty()) return 0;
        var length = 0;
        for (var entry : properties.entries()) length += 1 + valueSize(entry.getKey(), entry.getValue());
        for (int identifier : properties.subscriptionIdentifiers()) length += 1 + VariableByteInteger.size(identifier);
        for (var property : properties.userProperties()) length += userPropertySize(property);
        return length;
    }

    private static int valueSize(Property property, Object value) {
        return switch (property.type()) {
            case BYTE -> 1;
            case TWO_BYTES -> 2;
            case FOUR_BYTES -> 4;
            case TEXT -> 2 + Utf8.length((String) value);
            case BINARY -> 2 + ((byte[]) value).length;
        };
    }

    private static int userPropertySize(UserProperty property) {
        return 1 + 2 + Utf8.length(property.name()) + 2 + Utf8.length(property.value());
    }
}

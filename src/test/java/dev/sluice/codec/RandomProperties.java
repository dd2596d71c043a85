package dev.sluice.codec;

import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.UserProperty;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.random.RandomGenerator;

/** Owns the choice of texts, bytes and properties for {@link RandomPackets}. Used by one thread. */
final class RandomProperties {
    private static final int[] BORDERS = {1, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFEFF, 0xFFFF, 0x10000, 0x10FFFF
    };

    private final RandomGenerator random;
    private final ProtocolVersion version;
    private final boolean fromClient;

    RandomProperties(RandomGenerator random, ProtocolVersion version, boolean fromClient) {
        this.random = random;
        this.version = version;
        this.fromClient = fromClient;
    }

    /** Properties that may stand there; none for MQTT 3. */
    Properties in(PropertyPlace place) {
        if (!version.isV5() || oneIn(3)) return Properties.NONE;
        var values = new EnumMap<Property, Object>(Property.class);
        for (var property : Property.values()) {
            if (place.allows(property.id()) && !isOthers(place, property) && oneIn(2))
                values.put(property, value(property));
        }
        if (!values.containsKey(Property.AUTHENTICATION_METHOD)) values.remove(Property.AUTHENTICATION_DATA);
        return Properties.of(values, userProperties(), subscriptionIdentifiers(place));
    }

    String text() {
        var length = oneIn(20) ? 200 : random.nextInt(12);
        var text = new StringBuilder();
        while (text.length() < length) text.appendCodePoint(codePoint());
        return text.toString();
    }

    /** At least one character, and no wildcard. */
    String topicName() {
        return 't' + text().replace('+', 'p').replace('#', 'h');
    }

    byte[] bytes(int atMost) {
        var bytes = new byte[random.nextInt(atMost + 1)];
        random.nextBytes(bytes);
        return bytes;
    }

    boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    private boolean isOthers(PropertyPlace place, Property property) {
        if (place != PropertyPlace.DISCONNECT) return false;
        return property == (fromClient ? Property.SERVER_REFERENCE : Property.SESSION_EXPIRY_INTERVAL);
    }

    private Object value(Property property) {
        return switch (property.type()) {
            case BYTE -> (long) random.nextInt(2);
            case TWO_BYTES -> random.nextLong(1, 0x1_0000);
            case FOUR_BYTES -> random.nextLong(1, 0x1_0000_0000L);
            case TEXT -> property == Property.RESPONSE_TOPIC ? topicName() : text();
            case BINARY -> bytes(20);
        };
    }

    private List<UserProperty> userProperties() {
        var list = new ArrayList<UserProperty>();
        while (oneIn(2)) list.add(new UserProperty(text(), text()));
        return list;
    }

    private List<Integer> subscriptionIdentifiers(PropertyPlace place) {
        var several = place == PropertyPlace.PUBLISH && !fromClient;
        if (!several && place != PropertyPlace.SUBSCRIBE) return List.of();
        var list = new ArrayList<Integer>();
        while (oneIn(2) && (several || list.isEmpty()))
            list.add(1 + (VariableByteInteger.MAXIMUM - 1 >> random.nextInt(28)));
        return list;
    }

    private int codePoint() {
        if (oneIn(4)) return BORDERS[random.nextInt(BORDERS.length)];
        return random.nextInt(' ', 0x7F);
    }
}

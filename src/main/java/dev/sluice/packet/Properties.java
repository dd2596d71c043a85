package dev.sluice.packet;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** The properties of one packet, immutable. Integers are {@code Long}, texts {@code String}, binary data {@code byte[]}. */
public final class Properties {
    public static final Properties NONE = new Properties(new EnumMap<>(Property.class), List.of(), List.of(), null);

    /** On the heap: this object, its map with a place for each property there is, and its lists. */
    private static final int OBJECT_BYTES = 256;

    /** A String and its array, without the characters; binary data has a little less. */
    private static final int TEXT_BYTES = 44;

    private static final int NUMBER_BYTES = 24;
    /** A {@link UserProperty} and its place in the list, without its two texts. */
    private static final int USER_PROPERTY_BYTES = 28;

    private static final int SMALL_BYTES = 1024;

    private final EnumMap<Property, Object> values;
    private final List<UserProperty> userProperties;
    private final List<Integer> subscriptionIdentifiers;
    private final Excess excess;
    /** Counted once they are asked for, 0 before. */
    private int bytes;

    private Properties(
            EnumMap<Property, Object> values,
            List<UserProperty> userProperties,
            List<Integer> subscriptionIdentifiers,
            Excess excess) {
        this.values = values;
        this.userProperties = userProperties;
        this.subscriptionIdentifiers = subscriptionIdentifiers;
        this.excess = excess;
    }

    /**
     * Why properties were not read.
     *
     * @param bound the key below {@code sluice.mqtt} of the bound that they exceed
     * @param why a sentence for the log and the Reason String
     */
    public record Excess(String bound, String why) {}

    /** Properties that are above a bound: of these, only the integers are there. Takes over the map. */
    public static Properties exceeding(EnumMap<Property, Object> integers, Excess excess) {
        return new Properties(integers, List.of(), List.of(), excess);
    }

    /** Takes over the map; its values must have the types that {@link Property#type()} says. */
    public static Properties of(
            EnumMap<Property, Object> values,
            List<UserProperty> userProperties,
            List<Integer> subscriptionIdentifiers) {
        if (values.isEmpty() && userProperties.isEmpty() && subscriptionIdentifiers.isEmpty()) return NONE;
        return new Properties(values, List.copyOf(userProperties), List.copyOf(subscriptionIdentifiers), null);
    }

    public boolean isEmpty() {
        return this == NONE;
    }

    /** Why they are not here in full; null if they are. Whoever sent them has to be refused. */
    public Excess excess() {
        return excess;
    }

    /** Returns their weight in bytes: what they take on the heap. */
    public int bytes() {
        if (this == NONE) return 0;
        var known = bytes;
        if (known == 0) bytes = known = weigh();
        return known;
    }

    /** Returns what Subscription Identifiers weigh, wherever they are kept: an Integer each, and its place in a list. */
    public static int bytes(List<Integer> subscriptionIdentifiers) {
        return NUMBER_BYTES * subscriptionIdentifiers.size();
    }

    /** Whether a connection may remember them, and what was made of them. */
    public boolean areSmall() {
        return bytes() <= SMALL_BYTES;
    }

    private int weigh() {
        var sum = (long) OBJECT_BYTES + bytes(subscriptionIdentifiers);
        for (var value : values.values())
            sum += switch (value) {
                case String text -> weight(text);
                case byte[] binary -> TEXT_BYTES + binary.length;
                default -> NUMBER_BYTES;
            };
        for (var property : userProperties)
            sum += USER_PROPERTY_BYTES + weight(property.name()) + weight(property.value());
        return (int) Math.min(sum, Integer.MAX_VALUE);
    }

    /** A text has one byte for each character, or two for each if one of them is not Latin-1. */
    private static long weight(String text) {
        for (int i = 0; i < text.length(); i++) if (text.charAt(i) > 0xFF) return TEXT_BYTES + 2L * text.length();
        return TEXT_BYTES + text.length();
    }

    public boolean has(Property property) {
        return values.containsKey(property);
    }

    /** An integer property, or the given value where the sender left it out. */
    public long number(Property property, long absent) {
        return values.get(property) instanceof Long number ? number : absent;
    }

    /** A text property, or null where the sender left it out. */
    public String text(Property property) {
        return (String) values.get(property);
    }

    /** A binary property, or null where the sender left it out. */
    public byte[] binary(Property property) {
        return (byte[]) values.get(property);
    }

    public Set<Map.Entry<Property, Object>> entries() {
        return values.entrySet();
    }

    public List<UserProperty> userProperties() {
        return userProperties;
    }

    /** Subscription Identifiers, 1 to 268,435,455: one at most in SUBSCRIBE, several in PUBLISH to a client. */
    public List<Integer> subscriptionIdentifiers() {
        return subscriptionIdentifiers;
    }

    public Properties with(Property property, long value) {
        return put(property, value);
    }

    public Properties with(Property property, String value) {
        return put(property, value);
    }

    public Properties with(Property property, byte[] value) {
        return put(property, value);
    }

    public Properties without(Property property) {
        if (!has(property)) return this;
        var copy = values.clone();
        copy.remove(property);
        return excess == null ? of(copy, userProperties, subscriptionIdentifiers) : exceeding(copy, excess);
    }

    public Properties withUserProperty(String name, String value) {
        var copy = new ArrayList<>(userProperties);
        copy.add(new UserProperty(name, value));
        return of(values, copy, subscriptionIdentifiers);
    }

    /** With these instead of its own. */
    public Properties withUserProperties(List<UserProperty> properties) {
        return of(values, properties, subscriptionIdentifiers);
    }

    public Properties withSubscriptionIdentifiers(List<Integer> identifiers) {
        return of(values, userProperties, identifiers);
    }

    private Properties put(Property property, Object value) {
        var copy = values.clone();
        copy.put(property, value);
        return of(copy, userProperties, subscriptionIdentifiers);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Properties that
                && values.keySet().equals(that.values.keySet())
                && values.entrySet().stream()
                        .allMatch(e -> Objects.deepEquals(e.getValue(), that.values.get(e.getKey())))
                && userProperties.equals(that.userProperties)
                && subscriptionIdentifiers.equals(that.subscriptionIdentifiers);
    }

    @Override
    public int hashCode() {
        return Objects.hash(values.keySet(), userProperties, subscriptionIdentifiers);
    }

    @Override
    public String toString() {
        var text = new StringBuilder("{");
        values.forEach((property, value) -> text.append(property)
                .append('=')
                .append(value instanceof byte[] bytes ? Arrays.toString(bytes) : value)
                .append(' '));
        return text.append(userProperties)
                .append(subscriptionIdentifiers)
                .append('}')
                .toString();
    }
}

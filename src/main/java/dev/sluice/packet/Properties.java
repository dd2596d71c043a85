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
    public static final Properties NONE = new Properties(new EnumMap<>(Property.class), List.of(), List.of());

    private final EnumMap<Property, Object> values;
    private final List<UserProperty> userProperties;
    private final List<Integer> subscriptionIdentifiers;

    private Properties(
            EnumMap<Property, Object> values,
            List<UserProperty> userProperties,
            List<Integer> subscriptionIdentifiers) {
        this.values = values;
        this.userProperties = userProperties;
        this.subscriptionIdentifiers = subscriptionIdentifiers;
    }

    /** Takes over the map; its values must have the types that {@link Property#type()} says. */
    public static Properties of(
            EnumMap<Property, Object> values,
            List<UserProperty> userProperties,
            List<Integer> subscriptionIdentifiers) {
        if (values.isEmpty() && userProperties.isEmpty() && subscriptionIdentifiers.isEmpty()) return NONE;
        return new Properties(values, List.copyOf(userProperties), List.copyOf(subscriptionIdentifiers));
    }

    public boolean isEmpty() {
        return this == NONE;
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
        return of(copy, userProperties, subscriptionIdentifiers);
    }

    public Properties withUserProperty(String name, String value) {
        var copy = new ArrayList<>(userProperties);
        copy.add(new UserProperty(name, value));
        return of(values, copy, subscriptionIdentifiers);
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

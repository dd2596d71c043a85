package dev.sluice.support;

import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Owns the one rendering of packets in tests: every component with its content, but for false, 0, null and empty
 * properties. Two packets are the same when their texts are. Stateless.
 */
public final class PacketText {
    private PacketText() {}

    /** For example {@code Publish qos=1 topicName='a/b' packetId=10 payload=6869}. */
    public static String of(Record packet) {
        return (packet.getClass().getSimpleName() + ' ' + components(packet)).stripTrailing();
    }

    private static String components(Record data) {
        var parts = new ArrayList<String>();
        for (var component : data.getClass().getRecordComponents()) {
            var value = valueOf(component, data);
            if (value == null || value.equals(0) || value.equals(false) || value == Properties.NONE) continue;
            parts.add(value.equals(true) ? component.getName() : component.getName() + '=' + text(value));
        }
        return String.join(" ", parts);
    }

    private static Object valueOf(RecordComponent component, Record data) {
        try {
            return component.getAccessor().invoke(data);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private static String text(Object value) {
        return switch (value) {
            case byte[] bytes -> HexFormat.of().formatHex(bytes);
            case QoS qos -> String.valueOf(qos.ordinal());
            case TopicName name -> quoted(name.toString());
            case String text -> quoted(text);
            case Properties properties -> text(properties);
            case List<?> list -> list.stream().map(PacketText::text).collect(Collectors.joining(", ", "[", "]"));
            case Record data -> data.getClass().getSimpleName() + '(' + components(data) + ')';
            default -> value.toString();
        };
    }

    private static String text(Properties properties) {
        var parts = new ArrayList<String>();
        for (var entry : properties.entries()) parts.add(entry.getKey() + "=" + text(entry.getValue()));
        if (!properties.subscriptionIdentifiers().isEmpty()) {
            parts.add("subscriptionIdentifiers=" + properties.subscriptionIdentifiers());
        }
        if (!properties.userProperties().isEmpty()) {
            parts.add(properties.userProperties().stream()
                    .map(property -> quoted(property.name()) + '=' + quoted(property.value()))
                    .collect(Collectors.joining(", ", "userProperties=[", "]")));
        }
        return '{' + String.join(" ", parts) + '}';
    }

    private static String quoted(String text) {
        var quoted = new StringBuilder("'");
        for (char c : text.toCharArray()) {
            if (c >= ' ' && c < 0x7F && c != '\'' && c != '\\') quoted.append(c);
            else quoted.append("\\u").append(HexFormat.of().toHexDigits(c));
        }
        return quoted.append('\'').toString();
    }
}

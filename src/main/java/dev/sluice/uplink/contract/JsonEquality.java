package dev.sluice.uplink.contract;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.TreeMap;

/**
 * Equality of JSON values as JSON Schema has it, where 1 and 1.0 are equal and the order of names does not count. It is that of texts, so that sets
 * of values stay fast when a client has chosen values with the same hash. Stateless.
 */
final class JsonEquality {
    private JsonEquality() {}

    /** A text that two values have in common if and only if they are equal. */
    static String text(JsonNode value) {
        var text = new StringBuilder();
        write(value, text);
        return text.toString();
    }

    /** As deep as the value, whose levels are bounded. */
    private static void write(JsonNode value, StringBuilder text) {
        CheckLimit.check();
        switch (value.getNodeType()) {
            case OBJECT -> {
                text.append('{');
                var sorted = new TreeMap<String, JsonNode>();
                value.properties().forEach(it -> sorted.put(it.getKey(), it.getValue()));
                sorted.forEach((name, member) -> {
                    write(name, text);
                    write(member, text);
                });
                text.append('}');
            }
            case ARRAY -> {
                text.append('[');
                for (var item : value) write(item, text);
                text.append(']');
            }
            case STRING -> write(value.textValue(), text);
            case NUMBER ->
                text.append(value.decimalValue().stripTrailingZeros()).append(',');
            default -> text.append(value.asText()).append(',');
        }
    }

    private static void write(String string, StringBuilder text) {
        text.append('"').append(string.length()).append(':').append(string);
    }
}

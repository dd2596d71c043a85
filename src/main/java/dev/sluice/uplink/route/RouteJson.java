package dev.sluice.uplink.route;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.uplink.route.RouteMistakes.Mistake;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A route as JSON: the configuration's keys in camel case, with the configuration's defaults. Confined to the call that reads.
 */
public final class RouteJson {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FILE = "file:";
    private static final Pattern DASHED = Pattern.compile("-([a-z])");
    private final String route;
    private final JsonNode json;
    private final List<Mistake> mistakes;
    /** The names that were asked for, in the order of the documentation. */
    private final Set<String> fields = new LinkedHashSet<>();

    private RouteJson(String route, JsonNode json, List<Mistake> mistakes) {
        this.route = route;
        this.json = json;
        this.mistakes = mistakes;
    }

    /**
     * Reads what somebody wrote, as far as it can be read.
     *
     * @param mistakes gets one for each unknown field, and for each value that its field cannot have
     */
    public static RouteSpec read(String route, JsonNode json, List<Mistake> mistakes) {
        return new RouteJson(route, json, mistakes).read();
    }

    /** As it is stored; nothing where it cannot be read: PostgreSQL takes numbers and depths that are too much here. */
    static Optional<RouteSpec> read(String route, String json, List<Mistake> mistakes) {
        try {
            return Optional.of(read(route, JSON.readTree(json), mistakes));
        } catch (JsonProcessingException e) {
            mistakes.add(new Mistake(route, "", "cannot be read: " + e.getOriginalMessage()));
            return Optional.empty();
        }
    }

    public static ObjectNode write(RouteSpec spec) {
        var json = JSON.createObjectNode();
        spec.write(json);
        return json;
    }

    /** The place of a mistake below its route, as a JSON Pointer (RFC 6901). */
    public static String pointer(Mistake mistake) {
        var field = mistake.field();
        if (field.isEmpty() || field.startsWith("/")) return field;
        var dot = field.indexOf('.');
        if (dot < 0) return "/" + escape(name(field));
        return "/" + escape(field.substring(0, dot)) + "/" + escape(field.substring(dot + 1));
    }

    /** As RFC 6901 wants a name. */
    public static String escape(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }

    /** {@code kafkaTopic} as a key is written: {@code kafka-topic}. */
    private static String key(String name) {
        return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    /** {@code kafka-topic} as JSON has it: {@code kafkaTopic}. */
    private static String name(String key) {
        return DASHED.matcher(key).replaceAll(it -> it.group(1).toUpperCase(Locale.ROOT));
    }

    private RouteSpec read() {
        if (!json.isObject()) mistakes.add(new Mistake(route, "", "is not a JSON object"));
        var mistakesBefore = mistakes.size();
        var spec = RouteSpec.read(this);
        mistakes.addAll(mistakesBefore, unknownFields());
        return spec;
    }

    /** Once every field was read. */
    private List<Mistake> unknownFields() {
        var sentence = "is not a field of a route; the fields are " + String.join(", ", fields);
        var unknown = new ArrayList<Mistake>();
        json.fieldNames().forEachRemaining(name -> {
            if (!fields.contains(name)) unknown.add(new Mistake(route, "/" + escape(name), sentence));
        });
        return unknown;
    }

    private JsonNode field(String name) {
        fields.add(name);
        return json.path(name);
    }

    String text(String name, String standard) {
        var value = field(name);
        if (value.isMissingNode() || value.isNull()) return standard;
        if (value.isTextual()) return value.textValue();
        wrong(name, "is not a text");
        return standard;
    }

    /** @param stopgap what is read in its place, once the mistake is noted */
    String requiredText(String name, String stopgap) {
        if (!json.hasNonNull(name)) wrong(name, "is required");
        return text(name, stopgap);
    }

    /** A text that is null only where JSON says so. */
    String nullableText(String name, String standard) {
        return json.has(name) ? text(name, null) : text(name, standard);
    }

    String textOrNumber(String name, String standard) {
        var value = field(name);
        return value.isIntegralNumber() ? value.asText() : text(name, standard);
    }

    long number(String name, long standard, long most) {
        var value = field(name);
        if (value.isMissingNode() || value.isNull()) return standard;
        if (value.isIntegralNumber() && value.canConvertToLong() && value.longValue() >= 0 && value.longValue() <= most)
            return value.longValue();
        wrong(name, most == Long.MAX_VALUE ? "is not a number of bytes" : "is not a number from 0 to " + most);
        return standard;
    }

    /** False where it is left out. */
    boolean truth(String name) {
        var value = field(name);
        if (!value.isMissingNode() && !value.isNull() && !value.isBoolean()) wrong(name, "is not true or false");
        return value.booleanValue();
    }

    <E extends Enum<E>> E oneOf(String name, E standard) {
        var text = text(name, text(standard));
        var values = standard.getDeclaringClass().getEnumConstants();
        for (var value : values) if (text(value).equals(text)) return value;
        wrong(
                name,
                "is \"" + text + "\", but may be "
                        + Arrays.stream(values).map(RouteJson::text).collect(Collectors.joining(" or ")));
        return standard;
    }

    static String text(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Texts by name. */
    Map<String, String> texts(String name) {
        var texts = new LinkedHashMap<String, String>();
        var given = field(name);
        if (given.isMissingNode() || given.isNull()) return texts;
        if (!given.isObject()) wrong(name, "is not an object of texts");
        given.properties().forEach(text -> {
            if (text.getValue().isTextual())
                texts.put(text.getKey(), text.getValue().textValue());
            else mistakes.add(new Mistake(route, key(name) + "." + text.getKey(), "is not a text"));
        });
        return texts;
    }

    /** A JSON Schema, or the text of one. */
    String schema(String name) {
        var schema = field(name);
        if (schema.isObject() || schema.isBoolean()) return schema.toString();
        var text = text(name, null);
        if (text == null || !text.startsWith(FILE)) return text;
        wrong(name, "names a file, which other gateways may not have: give the JSON Schema itself");
        return null;
    }

    /** An object where it is one, so that nobody has to read JSON in JSON. */
    static JsonNode schemaOf(String text) {
        try {
            var schema = JSON.readTree(text);
            if (schema.isObject() || schema.isBoolean()) return schema;
        } catch (JsonProcessingException _) {
            // a file: or a mistake, which RoutesReader reports
            return JSON.getNodeFactory().textNode(text);
        }
        return JSON.getNodeFactory().textNode(text);
    }

    private void wrong(String name, String sentence) {
        mistakes.add(new Mistake(route, key(name), sentence));
    }
}

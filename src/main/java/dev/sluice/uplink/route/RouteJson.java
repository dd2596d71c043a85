package dev.sluice.uplink.route;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.config.UplinkConfig.HeaderStyle;
import dev.sluice.config.UplinkConfig.IllegalCharacters;
import dev.sluice.config.UplinkConfig.OnFailure;
import dev.sluice.uplink.route.RouteMistakes.Mistake;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A route as JSON: the configuration's keys in camel case, with the configuration's defaults. Confined to the call that reads.
 */
public final class RouteJson {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FILE = "file:";
    private static final List<String> FIELDS = List.of(
            "filter",
            "kafkaTopic",
            "key",
            "headers",
            "partition",
            "headerStyle",
            "illegalCharacters",
            "qosFloor",
            "maximumPayload",
            "onFailure",
            "contract");

    /** The JSON name of each key below a route's. */
    private static final Map<String, String> NAMES =
            FIELDS.stream().collect(Collectors.toMap(RouteJson::key, name -> name));

    private final String route;
    private final JsonNode json;
    private final List<Mistake> mistakes;

    private RouteJson(String route, JsonNode json, List<Mistake> mistakes) {
        this.route = route;
        this.json = json;
        this.mistakes = mistakes;
    }

    /**
     * Reads what somebody wrote, as far as it can be read.
     *
     * @param mistakes gets one for each field that is none, or holds what it cannot
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

    /** Every field that says something. */
    public static ObjectNode write(RouteSpec spec) {
        var json = JSON.createObjectNode();
        if (spec.filter() != null) json.put("filter", spec.filter());
        json.put("kafkaTopic", spec.kafkaTopic());
        json.put("key", spec.key());
        if (!spec.headers().isEmpty()) {
            var headers = json.putObject("headers");
            new TreeMap<>(spec.headers()).forEach(headers::put);
        }
        json.put("partition", spec.partition());
        json.put("headerStyle", text(spec.headerStyle()));
        json.put("illegalCharacters", text(spec.illegalCharacters()));
        json.put("qosFloor", spec.qosFloor());
        if (spec.maximumPayload() > 0) json.put("maximumPayload", spec.maximumPayload());
        json.put("onFailure", text(spec.onFailure()));
        if (spec.contract() != null) json.set("contract", contract(spec.contract()));
        return json;
    }

    /** The place of a mistake below its route, as a JSON Pointer (RFC 6901). */
    public static String pointer(Mistake mistake) {
        var field = mistake.field();
        if (field.isEmpty() || field.startsWith("/")) return field;
        var dot = field.indexOf('.');
        if (dot < 0) return "/" + escape(NAMES.getOrDefault(field, field));
        return "/" + escape(field.substring(0, dot)) + "/" + escape(field.substring(dot + 1));
    }

    /** As RFC 6901 wants a name. */
    public static String escape(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }

    private static String key(String name) {
        return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    private RouteSpec read() {
        if (!json.isObject()) mistakes.add(new Mistake(route, "", "is not a JSON object"));
        json.fieldNames().forEachRemaining(name -> {
            if (!FIELDS.contains(name))
                mistakes.add(new Mistake(
                        route, "/" + escape(name), "is no field of a route; there are " + String.join(", ", FIELDS)));
        });
        return new RouteSpec(
                text("filter", null),
                kafkaTopic(),
                json.has("key") ? text("key", null) : "{clientId}",
                headers(),
                partition(),
                oneOf("headerStyle", HeaderStyle.MQTT),
                oneOf("illegalCharacters", IllegalCharacters.REJECT),
                (int) number("qosFloor", 0, 1),
                number("maximumPayload", 0, Long.MAX_VALUE),
                oneOf("onFailure", OnFailure.REFUSE),
                contract());
    }

    private String kafkaTopic() {
        var text = text("kafkaTopic", null);
        if (text != null) return text;
        if (!json.hasNonNull("kafkaTopic")) wrong("kafkaTopic", "is required");
        return "-";
    }

    private String partition() {
        var partition = json.path("partition");
        return partition.isIntegralNumber() ? partition.asText() : text("partition", "key");
    }

    private String text(String name, String standard) {
        var value = json.path(name);
        if (value.isMissingNode() || value.isNull()) return standard;
        if (value.isTextual()) return value.textValue();
        wrong(name, "is not a text");
        return standard;
    }

    private long number(String name, long standard, long most) {
        var value = json.path(name);
        if (value.isMissingNode() || value.isNull()) return standard;
        if (value.isIntegralNumber() && value.canConvertToLong() && value.longValue() >= 0 && value.longValue() <= most)
            return value.longValue();
        wrong(name, most == Long.MAX_VALUE ? "is not a number of bytes" : "is not a number from 0 to " + most);
        return standard;
    }

    private <E extends Enum<E>> E oneOf(String name, E standard) {
        var text = text(name, text(standard));
        var values = standard.getDeclaringClass().getEnumConstants();
        for (var value : values) if (text(value).equals(text)) return value;
        wrong(
                name,
                "is \"" + text + "\", but may be "
                        + Arrays.stream(values).map(RouteJson::text).collect(Collectors.joining(" or ")));
        return standard;
    }

    private static String text(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private Map<String, String> headers() {
        var headers = new LinkedHashMap<String, String>();
        var given = json.path("headers");
        if (given.isMissingNode() || given.isNull()) return headers;
        if (!given.isObject()) wrong("headers", "is not an object of texts");
        given.properties().forEach(header -> {
            if (header.getValue().isTextual())
                headers.put(header.getKey(), header.getValue().textValue());
            else mistakes.add(new Mistake(route, "headers." + header.getKey(), "is not a text"));
        });
        return headers;
    }

    private String contract() {
        var contract = json.path("contract");
        if (contract.isObject() || contract.isBoolean()) return contract.toString();
        var text = text("contract", null);
        if (text == null || !text.startsWith(FILE)) return text;
        wrong("contract", "names a file, which other gateways may not have: give the JSON Schema itself");
        return null;
    }

    /** An object where it is one, so that nobody has to read JSON in JSON. */
    private static JsonNode contract(String text) {
        try {
            var schema = JSON.readTree(text);
            if (schema.isObject() || schema.isBoolean()) return schema;
        } catch (JsonProcessingException _) {
            // a file: or a mistake, which others tell
            return JSON.getNodeFactory().textNode(text);
        }
        return JSON.getNodeFactory().textNode(text);
    }

    private void wrong(String name, String sentence) {
        mistakes.add(new Mistake(route, key(name), sentence));
    }
}

package dev.sluice.uplink.route;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.config.UplinkConfig;
import dev.sluice.config.UplinkConfig.HeaderStyle;
import dev.sluice.config.UplinkConfig.IllegalCharacters;
import dev.sluice.config.UplinkConfig.OnFailure;
import dev.sluice.config.UplinkConfig.RouteConfig;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/**
 * A route as somebody wrote it, whatever they wrote it in; {@link RoutesReader} says what is wrong with it. Immutable.
 *
 * <p>All that is said of a key is in three places: {@link RouteConfig} has it for configuration files, with its default; this file has it
 * for JSON, and for the description of the API; and {@code docs/configuration.md} has it for people. Code that does something with a key
 * finds its value in {@link Route#spec}.
 *
 * @param filter null for none
 * @param key null for records without a key
 * @param maximumPayload bytes, 0 for no bound
 * @param contract null for none; the text of a JSON Schema, or {@code file:} and a path
 */
@Schema(
        name = "Route",
        description =
                "A route: what the configuration file says below sluice.uplink.routes.<name>, in camel case, with the same defaults",
        examples =
                "{\"filter\": \"fleet/{device}/telemetry\", \"kafkaTopic\": \"fleet.telemetry\", \"key\": \"{device}\"}")
public record RouteSpec(
        @Schema(
                description =
                        "MQTT Topic Filter in which {device} names a level and {rest...} all further ones; only the default route may lack it",
                examples = "fleet/{device}/telemetry")
        String filter,

        @Schema(
                required = true,
                description = "Kafka topic, a template of captures, {clientId}, {username}, {topic} and {route}",
                examples = "fleet.telemetry")
        String kafkaTopic,

        @Schema(
                description = "Key of the records, a template; null or empty for none",
                defaultValue = "{clientId}",
                nullable = true)
        String key,

        @Schema(
                description = "Headers besides those that every record has, templates",
                examples = "{\"mqtt-route\": \"{route}\"}")
        Map<String, String> headers,

        @Schema(description = "key, spread, a number, or a template whose text is hashed", defaultValue = "key")
        String partition,

        @Schema(
                description =
                        "Whether the gateway creates the Kafka topic where it does not exist, as Kafka creates topics by default",
                defaultValue = "false")
        boolean createTopic,

        @Schema(
                implementation = String.class,
                description = "How the headers are named",
                enumeration = {"mqtt", "cloudevents"},
                defaultValue = "mqtt")
        HeaderStyle headerStyle,

        @Schema(
                implementation = String.class,
                description = "What happens to characters that Kafka does not take in the name of a topic",
                enumeration = {"reject", "replace"},
                defaultValue = "reject")
        IllegalCharacters illegalCharacters,

        @Schema(
                description = "At 1, messages of QoS 0 are never dropped while Kafka is behind",
                minimum = "0",
                maximum = "1",
                defaultValue = "0")
        int qosFloor,

        @Schema(description = "Bytes of the largest payload; 0 for no bound", minimum = "0", defaultValue = "0")
        long maximumPayload,

        @Schema(
                implementation = String.class,
                description = "What happens to a message that cannot have its record",
                enumeration = {"refuse", "dead-letter"},
                defaultValue = "refuse")
        OnFailure onFailure,

        @Schema(
                implementation = Object.class,
                description = "A JSON Schema that payloads must keep: an object, or its text",
                examples = "{\"type\": \"object\", \"required\": [\"speed\"]}")
        String contract) {
    /** The spec of dead letters whose message no route takes. */
    static final RouteSpec OF_NO_ROUTE = new RouteSpec(
            null,
            "",
            "{clientId}",
            Map.of(),
            "key",
            false,
            HeaderStyle.MQTT,
            IllegalCharacters.REJECT,
            0,
            0,
            OnFailure.DEAD_LETTER,
            null);

    public RouteSpec {
        headers = Map.copyOf(headers);
    }

    /** The routes of the configuration, by name. */
    static SortedMap<String, RouteSpec> all(UplinkConfig config) {
        var specs = new TreeMap<String, RouteSpec>();
        config.routes().forEach((name, route) -> specs.put(name, of(route)));
        return specs;
    }

    private static RouteSpec of(RouteConfig config) {
        return new RouteSpec(
                config.filter().orElse(null),
                config.kafkaTopic(),
                config.key().orElse(null),
                config.headers(),
                config.partition(),
                config.createTopic(),
                config.headerStyle(),
                config.illegalCharacters(),
                config.qosFloor(),
                config.maximumPayload().orElse(0),
                config.onFailure(),
                config.contract().orElse(null));
    }

    static RouteSpec read(RouteJson json) {
        return new RouteSpec(
                json.text("filter", null),
                json.requiredText("kafkaTopic", "-"),
                json.nullableText("key", "{clientId}"),
                json.texts("headers"),
                json.textOrNumber("partition", "key"),
                json.truth("createTopic"),
                json.oneOf("headerStyle", HeaderStyle.MQTT),
                json.oneOf("illegalCharacters", IllegalCharacters.REJECT),
                (int) json.number("qosFloor", 0, 1),
                json.number("maximumPayload", 0, Long.MAX_VALUE),
                json.oneOf("onFailure", OnFailure.REFUSE),
                json.schema("contract"));
    }

    /** Every field that says something. */
    void write(ObjectNode json) {
        if (filter != null) json.put("filter", filter);
        json.put("kafkaTopic", kafkaTopic);
        json.put("key", key);
        if (!headers.isEmpty()) {
            var inOrder = json.putObject("headers");
            new TreeMap<>(headers).forEach(inOrder::put);
        }
        json.put("partition", partition);
        if (createTopic) json.put("createTopic", true);
        json.put("headerStyle", RouteJson.text(headerStyle));
        json.put("illegalCharacters", RouteJson.text(illegalCharacters));
        json.put("qosFloor", qosFloor);
        if (maximumPayload > 0) json.put("maximumPayload", maximumPayload);
        json.put("onFailure", RouteJson.text(onFailure));
        if (contract != null) json.set("contract", RouteJson.schemaOf(contract));
    }
}

package dev.sluice.admin;

import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** Describes a route in JSON, for the description of the API; {@link dev.sluice.uplink.route.RouteJson} reads and writes it. */
@Schema(
        name = "Route",
        description =
                "A route: what the configuration file says below sluice.uplink.routes.<name>, in camel case, with the same defaults",
        examples =
                "{\"filter\": \"fleet/{device}/telemetry\", \"kafkaTopic\": \"fleet.telemetry\", \"key\": \"{device}\"}")
record RouteDocument(
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
                description = "Headers in addition to those that every record has; templates",
                examples = "{\"mqtt-route\": \"{route}\"}")
        Map<String, String> headers,

        @Schema(description = "key, spread, a number, or a template whose text is hashed", defaultValue = "key")
        String partition,

        @Schema(
                description = "How the headers are named",
                enumeration = {"mqtt", "cloudevents"},
                defaultValue = "mqtt")
        String headerStyle,

        @Schema(
                description = "What happens to characters that Kafka does not take in the name of a topic",
                enumeration = {"reject", "replace"},
                defaultValue = "reject")
        String illegalCharacters,

        @Schema(
                description = "At 1, messages of QoS 0 are never dropped while Kafka is behind",
                minimum = "0",
                maximum = "1",
                defaultValue = "0")
        Integer qosFloor,

        @Schema(description = "Bytes of the largest payload; 0 for no bound", minimum = "0", defaultValue = "0")
        Long maximumPayload,

        @Schema(
                description = "What happens to a message that cannot have its record",
                enumeration = {"refuse", "dead-letter"},
                defaultValue = "refuse")
        String onFailure,

        @Schema(
                description = "A JSON Schema that payloads must keep: an object, or its text",
                examples = "{\"type\": \"object\", \"required\": [\"speed\"]}")
        Object contract) {}

package dev.sluice.admin;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.record.RouteTrial;
import dev.sluice.uplink.route.RouteJson;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** A message that somebody might publish, and the routes to try it with. Immutable. */
@Schema(name = "RouteTrialRequest", description = "A message that a device might publish")
record TrialRequest(
        @Schema(required = true, examples = "truck-7") String clientId,

        @Schema(description = "None without it") String username,

        @Schema(required = true, description = "Topic Name", examples = "fleet/truck-7/telemetry")
        String topic,

        @Schema(minimum = "0", maximum = "2", defaultValue = "0")
        Integer qos,

        @Schema(defaultValue = "false") boolean retain,

        @Schema(description = "The payload as text", examples = "{\"speed\":3}")
        String payload,

        @Schema(description = "The payload as Base64, instead")
        String payloadBase64,

        @Schema(
                description = "User Properties: a text, or an array of texts for several of one name",
                examples = "{\"site\": \"berlin\", \"tag\": [\"a\", \"b\"]}",
                implementation = Map.class)
        Map<String, JsonNode> properties,

        @Schema(description = "Content Type") String contentType,

        @Schema(description = "Response Topic") String responseTopic,

        @Schema(description = "Correlation Data as Base64") String correlationDataBase64,

        @Schema(description = "Payload Format Indicator", minimum = "0", maximum = "1")
        Integer payloadFormatIndicator,

        @Schema(description = "Message Expiry Interval, seconds")
        Long messageExpiryInterval,

        @Schema(
                description =
                        "Stored routes to try in place of those that there are: what PUT /admin/routes would take",
                implementation = Map.class)
        JsonNode routes) {
    private static final int UNPROCESSABLE = 422;
    private static final int LONGEST_TEXT = 65_535;

    RouteTrial.Question question() {
        if (clientId == null) throw mistake("clientId", "is required");
        return new RouteTrial.Question(
                text("clientId", clientId),
                text("username", username),
                topicName(),
                quality(),
                retain,
                bytes(),
                everyProperty());
    }

    private TopicName topicName() {
        if (topic == null || topic.isEmpty()) throw mistake("topic", "is required");
        if (topic.contains("+") || topic.contains("#") || topic.contains("\0"))
            throw mistake("topic", "is not a Topic Name: it has a wildcard or the null character");
        return TopicName.of(text("topic", topic));
    }

    private QoS quality() {
        var level = qos == null ? 0 : qos;
        if (level < 0 || level > 2) throw mistake("qos", "is not 0, 1 or 2");
        return QoS.values()[level];
    }

    private byte[] bytes() {
        if (payload != null && payloadBase64 != null) throw mistake("payloadBase64", "is given besides payload");
        if (payloadBase64 != null) return base64("payloadBase64", payloadBase64);
        return payload == null ? new byte[0] : payload.getBytes(StandardCharsets.UTF_8);
    }

    private Properties everyProperty() {
        var all = Properties.NONE;
        if (contentType != null) all = all.with(Property.CONTENT_TYPE, text("contentType", contentType));
        if (responseTopic != null) all = all.with(Property.RESPONSE_TOPIC, text("responseTopic", responseTopic));
        if (correlationDataBase64 != null)
            all = all.with(Property.CORRELATION_DATA, base64("correlationDataBase64", correlationDataBase64));
        if (payloadFormatIndicator != null)
            all = all.with(
                    Property.PAYLOAD_FORMAT_INDICATOR, within("payloadFormatIndicator", payloadFormatIndicator, 1));
        if (messageExpiryInterval != null)
            all = all.with(
                    Property.MESSAGE_EXPIRY_INTERVAL,
                    within("messageExpiryInterval", messageExpiryInterval, 0xFFFF_FFFFL));
        return userProperties(all);
    }

    private Properties userProperties(Properties others) {
        var all = others;
        if (properties == null) return all;
        for (var property : properties.entrySet()) {
            var place = "properties/" + RouteJson.escape(property.getKey());
            var value = property.getValue();
            for (var text : value.isArray() ? value : List.of(value)) {
                if (!text.isTextual()) throw mistake(place, "is not a text, or an array of texts");
                all = all.withUserProperty(property.getKey(), text(place, text.textValue()));
            }
        }
        return all;
    }

    private static long within(String field, long value, long most) {
        if (value < 0 || value > most) throw mistake(field, "is not a number from 0 to " + most);
        return value;
    }

    private static String text(String field, String text) {
        if (text != null && text.getBytes(StandardCharsets.UTF_8).length > LONGEST_TEXT)
            throw mistake(field, "is longer than 65,535 bytes");
        return text;
    }

    private static byte[] base64(String field, String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException _) {
            throw mistake(field, "is not Base64");
        }
    }

    private static Problem mistake(String field, String sentence) {
        return Problem.of(
                UNPROCESSABLE,
                "this is not a message that a device could publish",
                List.of(new Problem.Mistake("/" + field, null, sentence)));
    }
}

package dev.sluice.uplink;

import dev.sluice.topic.TopicName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * One way from Topic Names to a Kafka topic. Immutable: any thread may use it.
 *
 * @param filter absent from a route that is only the default route
 * @param headers those that the route adds, in the order of their names
 */
public record Route(
        String name, Optional<RouteFilter> filter, Template kafkaTopic, Template key, Map<String, Template> headers) {
    static final String CLIENT_ID = "clientId";
    static final String USERNAME = "username";
    static final String TOPIC = "topic";
    static final String ROUTE = "route";
    /** The names that a template may ask for whatever the filter captures. */
    static final List<String> ALWAYS_KNOWN = List.of(CLIENT_ID, USERNAME, TOPIC, ROUTE);

    /** Whether the Kafka topic depends on the message, so that it cannot be looked for at the start. */
    public boolean isTemplated() {
        return !kafkaTopic.isLiteral();
    }

    /** The record that this route asks for; its Kafka topic may be one that Kafka refuses. */
    Match match(TopicName topicName, String clientId, String username) {
        var topic = topicName.toString();
        Map<String, String> captured = filter.map(it -> it.values(topic)).orElse(Map.of());
        UnaryOperator<String> values = asked -> switch (asked) {
            case CLIENT_ID -> clientId;
            case USERNAME -> username == null ? "" : username;
            case TOPIC -> topic;
            case ROUTE -> name;
            default -> captured.get(asked);
        };
        var renderedKey = key.render(values);
        var rendered = new LinkedHashMap<String, String>(0);
        headers.forEach((header, template) -> {
            var value = template.render(values);
            if (!value.isEmpty()) rendered.put(header, value);
        });
        return new Match(name, kafkaTopic.render(values), renderedKey.isEmpty() ? null : renderedKey, rendered);
    }
}

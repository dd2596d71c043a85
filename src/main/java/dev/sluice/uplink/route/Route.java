package dev.sluice.uplink.route;

import dev.sluice.config.UplinkConfig.IllegalCharacters;
import dev.sluice.config.UplinkConfig.OnFailure;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.contract.Contract;
import dev.sluice.uplink.contract.Effort;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * One way from Topic Names to a Kafka topic. Immutable: any thread may use it.
 *
 * @param spec as somebody wrote it
 * @param filter absent from a route that is only the default route
 * @param key renders to nothing for records without a key
 * @param headers those that the route adds, in the order of their names
 * @param partition what {@link Partition#of} takes
 */
public record Route(
        String name,
        RouteSpec spec,
        Optional<RouteFilter> filter,
        Template kafkaTopic,
        Template key,
        Map<String, Template> headers,
        Template partition,
        Optional<Contract> contract) {
    static final String CLIENT_ID = "clientId";
    static final String USERNAME = "username";
    static final String TOPIC = "topic";
    static final String ROUTE = "route";
    /** The names that a template may ask for whatever the filter captures. */
    static final List<String> ALWAYS_KNOWN = List.of(CLIENT_ID, USERNAME, TOPIC, ROUTE);

    /** The route of dead letters whose message no route takes. */
    static final Route NONE = new Route(
            "",
            RouteSpec.OF_NO_ROUTE,
            Optional.empty(),
            Template.of(""),
            Template.of("{" + CLIENT_ID + "}"),
            Map.of(),
            Template.of("key"),
            Optional.empty());

    /** Whether the Kafka topic depends on the message, so that it cannot be looked for at the start. */
    public boolean isTemplated() {
        return !kafkaTopic.isLiteral();
    }

    public boolean hasDeadLetters() {
        return spec.onFailure() == OnFailure.DEAD_LETTER;
    }

    /** The partition that each record goes to; -1 where the record tells. */
    int fixedPartition() {
        return partition.isLiteral() && Partition.of(partition, _ -> "") instanceof Partition.Fixed(var number)
                ? number
                : -1;
    }

    /** Whether some message could make a key that is empty: a level of a topic may be, and there may be no user name. */
    boolean mayBeKeyless() {
        return key.literalText().isEmpty()
                && key.names().stream().noneMatch(List.of(CLIENT_ID, TOPIC, ROUTE)::contains);
    }

    /** Whether a record depends on the payload. */
    public boolean looksAtPayloads() {
        return spec.maximumPayload() > 0 || contract.isPresent();
    }

    /** Why a message with this payload cannot have a record of this route; null if it can. */
    Failure failure(byte[] payload, Effort effort) {
        if (spec.maximumPayload() > 0 && payload.length > spec.maximumPayload())
            return Failure.payloadTooLarge(this, payload.length);
        if (contract.isEmpty()) return null;
        var breach = contract.get().breach(payload, effort);
        return breach == null ? null : Failure.contractBroken(this, breach);
    }

    /** The record that this route asks for. */
    public RouteMatch match(TopicName topicName, String clientId, String username) {
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
        var kafkaName = kafkaTopic.render(values);
        if (spec.illegalCharacters() == IllegalCharacters.REPLACE) kafkaName = KafkaTopicName.replaced(kafkaName);
        var failure = this == NONE
                ? Failure.UNMATCHED
                : KafkaTopicName.mistake(kafkaName)
                        .map(mistake -> Failure.topicIllegal(this, mistake))
                        .orElse(null);
        return new RouteMatch(
                this,
                kafkaName,
                renderedKey.isEmpty() ? null : renderedKey,
                rendered,
                Partition.of(partition, values),
                failure);
    }
}

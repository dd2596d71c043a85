package dev.sluice.uplink.record;

import dev.sluice.config.UplinkConfig.HeaderStyle;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.route.Partition;
import dev.sluice.uplink.route.Route;
import dev.sluice.uplink.route.RouteMatch;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.header.Header;

/**
 * One record that a client's Topic Name leads to, with all that is the same for every PUBLISH encoded once. Immutable, except
 * for the sequence, the backlog and the headers of the last properties.
 *
 * @param sequence the numbers of the client's records of the route
 * @param backlog what waits for its Kafka topic
 * @param key null for none
 * @param choice what chooses the partition, null if nothing but the key or the route does
 * @param leading headers that are the same for every PUBLISH and come before those of each
 * @param ofProperties those that follow from the properties of a PUBLISH alone
 * @param trailing those that come after them: the route's own
 */
public record Target(
        RouteMatch match,
        Sequence sequence,
        Backlog backlog,
        byte[] key,
        PartitionChoice choice,
        boolean isCloudEvent,
        List<Header> leading,
        PropertyHeaders ofProperties,
        List<Header> trailing) {
    public static Target of(
            RouteMatch match,
            TopicName topicName,
            String clientId,
            Header clientIdHeader,
            Sequence sequence,
            Backlog backlog) {
        var isCloudEvent = match.route().spec().headerStyle() == HeaderStyle.CLOUDEVENTS;
        return new Target(
                match,
                sequence,
                backlog,
                bytes(match.key()),
                PartitionChoice.of(match.partition()),
                isCloudEvent,
                isCloudEvent
                        ? CloudEvents.leading(match, topicName, clientId, clientIdHeader)
                        : UplinkRecord.leading(topicName, clientIdHeader),
                new PropertyHeaders(isCloudEvent ? CloudEvents::ofProperties : UplinkRecord::ofProperties),
                match.headers().entrySet().stream()
                        .map(header -> UplinkRecord.header(header.getKey(), header.getValue()))
                        .toList());
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    public Route route() {
        return match.route();
    }

    public String kafkaTopic() {
        return match.kafkaTopic();
    }

    /** The partition that the route asks for by its number; null if it does not. */
    public Integer fixedPartition() {
        return match.partition() instanceof Partition.Fixed(var number) ? number : null;
    }
}

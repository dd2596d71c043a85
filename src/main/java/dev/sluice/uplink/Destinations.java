package dev.sluice.uplink;

import dev.sluice.topic.TopicName;
import dev.sluice.uplink.record.Backlog;
import dev.sluice.uplink.record.Destination;
import dev.sluice.uplink.record.Sequence;
import dev.sluice.uplink.record.Target;
import dev.sluice.uplink.record.UplinkRecord;
import dev.sluice.uplink.route.HeaderNames;
import dev.sluice.uplink.route.Resolution;
import dev.sluice.uplink.route.Routes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.common.header.Header;

/** Where one client's Topic Names lead, with the routes in force, and its sequence numbers. Confined to the connection's event loop. */
final class Destinations {
    private static final int RESOLVED_TOPICS = 64;

    private final Supplier<Routes> inForce;
    private final Function<String, Backlog> backlogs;
    private final String clientId;
    private final String username;
    private final Header clientIdHeader;
    private final byte[] seqPrefix;

    /** One for each route that has had a record. */
    private List<Sequence> sequences = List.of();

    /** The routes that the destinations were resolved with. */
    private Routes routes;

    private TopicName lastTopic;
    private Destination lastDestination;
    private Map<TopicName, Destination> resolved;

    /**
     * @param backlogs what waits for a Kafka topic
     * @param username null without one
     */
    Destinations(
            Supplier<Routes> inForce,
            Function<String, Backlog> backlogs,
            String clientId,
            String username,
            long epoch) {
        this.inForce = inForce;
        this.backlogs = backlogs;
        this.clientId = clientId;
        this.username = username;
        this.clientIdHeader = UplinkRecord.header(HeaderNames.CLIENT_ID, clientId);
        this.seqPrefix = (epoch + "/").getBytes(StandardCharsets.US_ASCII);
    }

    Destination of(TopicName topicName) {
        if (routes != inForce.get()) {
            routes = inForce.get();
            resolved = null;
            lastTopic = null;
        } else if (topicName == lastTopic) {
            return lastDestination;
        }
        if (!topicName.isSmall()) return resolve(topicName);
        if (resolved == null) {
            resolved = new LinkedHashMap<>(4, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<TopicName, Destination> eldest) {
                    return size() > RESOLVED_TOPICS;
                }
            };
        }
        var destination = resolved.get(topicName);
        if (destination == null) {
            destination = resolve(topicName);
            resolved.put(topicName, destination);
        }
        lastTopic = topicName;
        lastDestination = destination;
        return destination;
    }

    private Destination resolve(TopicName topicName) {
        return switch (routes.resolve(topicName, clientId, username)) {
            case Resolution.Forward(var matches) ->
                Destination.of(matches.stream()
                        .map(match -> Target.of(
                                match,
                                topicName,
                                clientId,
                                clientIdHeader,
                                sequence(match.route().name()),
                                backlogs.apply(match.kafkaTopic())))
                        .toList());
            case Resolution.Refuse(var failure) -> Destination.refused(failure);
            case Resolution.Drop _ -> Destination.of(List.of());
        };
    }

    private Sequence sequence(String route) {
        for (var known : sequences) if (known.route().equals(route)) return known;
        if (sequences.isEmpty()) sequences = new ArrayList<>(1);
        var sequence = new Sequence(route, seqPrefix);
        sequences.add(sequence);
        return sequence;
    }
}

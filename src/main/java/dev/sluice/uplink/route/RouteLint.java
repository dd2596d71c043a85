package dev.sluice.uplink.route;

import dev.sluice.config.UplinkConfig.HeaderStyle;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Finds likely mistakes in a set of routes that is valid. Confined to the call that looks. */
public final class RouteLint {
    private static final String NO_TOPIC = "the Kafka topic %s does not exist: messages for it wait until it does";
    private static final String NO_DEAD_LETTERS =
            "the Kafka topic %s, where its dead letters go, does not exist: messages that become one wait until it does";
    private static final String NO_PARTITION =
            "the Kafka topic %s has no partition %d, as it has %d, counted from 0: messages for it wait until it does";

    private static final String NO_KEY =
            "has no key, and the Kafka topic %s is compacted and takes no record without one: every message fails";
    private static final String EMPTY_KEY =
            "the Kafka topic %s is compacted and takes no record without a key, and the key %s may come out empty: such messages fail";

    private final Routes routes;
    private final List<Finding> findings = new ArrayList<>();

    private RouteLint(Routes routes) {
        this.routes = routes;
    }

    /** The kinds of findings. */
    public enum Kind {
        /** Another route does the same, or leaves it nothing to do. */
        SHADOWED,
        /** A message can match another route, too, and has a record of each. */
        OVERLAPPING,
        /** It names what is not used, or takes what never comes. */
        DANGLING,
        /** Its Kafka topic does not exist, or that of its dead letters. */
        MISSING_TOPIC,
        /** Its Kafka topic does not have the partition that it asks for by its number. */
        MISSING_PARTITION,
        /** Its Kafka topic is compacted, and its records may have no key. */
        KEYLESS
    }

    /**
     * One finding.
     *
     * @param others the names of the routes that it is about besides
     */
    public record Finding(Kind kind, String route, List<String> others, String sentence) {}

    /** @param topics what Kafka says of the Kafka topics of the routes; nothing is found of others */
    public static List<Finding> of(Routes routes, Map<String, KafkaTopic> topics) {
        var lint = new RouteLint(routes);
        var all = routes.routes();
        for (int i = 0; i < all.size(); i++) {
            var route = all.get(i);
            lint.compare(route, all.subList(i + 1, all.size()));
            lint.dangles(route);
            lint.lacks(route, topics);
            lint.keyless(route, topics.get(route.kafkaTopic().toString()));
        }
        routes.defaultRoute().ifPresent(lint::leftOver);
        return lint.findings;
    }

    private void compare(Route route, List<Route> later) {
        if (route.filter().isEmpty()) return;
        var same = new ArrayList<String>();
        var mixed = new ArrayList<String>();
        var overlapping = new ArrayList<String>();
        for (var other : later) {
            if (other.filter().isEmpty() || !filter(route).intersects(filter(other))) continue;
            if (filter(route).equals(filter(other))
                    && topic(route).equals(topic(other))
                    && key(route).equals(key(other))) same.add(other.name());
            else if (topic(route).equals(topic(other)) && !canBeTold(route, other)) mixed.add(other.name());
            else overlapping.add(other.name());
        }
        add(
                Kind.SHADOWED,
                route,
                same,
                "has the filter, the Kafka topic and the key of %s: each message is there once for each of them");
        add(
                Kind.OVERLAPPING,
                route,
                mixed,
                "can match the same message as %s, and writes into the same Kafka topic, without a header that tells their records and"
                        + " their sequences apart: headers.mqtt-route={route} does");
        add(Kind.OVERLAPPING, route, overlapping, "can match the same message as %s: it has a record of each");
    }

    private void add(Kind kind, Route route, String sentence) {
        findings.add(new Finding(kind, route.name(), List.of(), sentence));
    }

    /** @param sentence with %s for the others; without others there is no finding */
    private void add(Kind kind, Route route, List<String> others, String sentence) {
        if (!others.isEmpty())
            findings.add(new Finding(
                    kind, route.name(), List.copyOf(others), sentence.formatted(String.join(", ", others))));
    }

    private static TopicFilter filter(Route route) {
        return route.filter().orElseThrow().topicFilter();
    }

    private String topic(Route route) {
        return normal(route, route.kafkaTopic());
    }

    private String key(Route route) {
        return normal(route, route.key());
    }

    /** With the levels in place of the names that the captures have. */
    private static String normal(Route route, Template template) {
        var levels = route.filter().orElseThrow().captures().stream()
                .collect(Collectors.toMap(RouteFilter.Capture::name, RouteFilter.Capture::level));
        return template.render(name -> "{" + (levels.containsKey(name) ? levels.get(name) : name) + "}");
    }

    /** Whether a consumer sees which of the two made a record. */
    private static boolean canBeTold(Route one, Route other) {
        return style(one) != style(other)
                || style(one) == HeaderStyle.CLOUDEVENTS // ce_source names the route
                || namesRoute(one)
                || namesRoute(other);
    }

    private static HeaderStyle style(Route route) {
        return route.spec().headerStyle();
    }

    private static boolean namesRoute(Route route) {
        return route.headers().values().stream()
                .anyMatch(template -> template.names().contains(Route.ROUTE));
    }

    private void dangles(Route route) {
        if (route.filter().isEmpty()) return;
        if (filter(route).isServers())
            add(Kind.DANGLING, route, "takes what nobody may publish: " + TopicName.SERVERS_OWN);
        var unused = new TreeSet<>(route.filter().get().names());
        unused.removeAll(route.kafkaTopic().names());
        unused.removeAll(route.key().names());
        route.headers().values().forEach(template -> unused.removeAll(template.names()));
        unused.removeAll(Template.of(route.spec().partition()).names());
        if (!unused.isEmpty())
            add(Kind.DANGLING, route, "captures what no template uses: {" + String.join("}, {", unused) + "}");
    }

    private void lacks(Route route, Map<String, KafkaTopic> topics) {
        var topic = route.kafkaTopic().toString();
        var said = topics.get(topic);
        var count = said == null ? null : said.partitions();
        var number = route.fixedPartition();
        if (count != null && count <= 0) add(Kind.MISSING_TOPIC, route, NO_TOPIC.formatted(topic));
        else if (count != null && number >= count)
            add(Kind.MISSING_PARTITION, route, NO_PARTITION.formatted(topic, number, count));
        var letters = routes.deadLetterTopic();
        if (route.hasDeadLetters()
                && topics.containsKey(letters)
                && topics.get(letters).partitions() <= 0)
            add(Kind.MISSING_TOPIC, route, NO_DEAD_LETTERS.formatted(letters));
    }

    /** @param topic what Kafka says of its Kafka topic; null if nothing */
    private void keyless(Route route, KafkaTopic topic) {
        if (topic == null || !Boolean.TRUE.equals(topic.isCompacted())) return;
        if (route.key().toString().isEmpty()) add(Kind.KEYLESS, route, NO_KEY.formatted(route.kafkaTopic()));
        else if (route.mayBeKeyless()) add(Kind.KEYLESS, route, EMPTY_KEY.formatted(route.kafkaTopic(), route.key()));
    }

    /** Finds a route that leaves nothing for the default route. */
    private void leftOver(Route byDefault) {
        routes.routes().stream()
                .filter(route -> route.filter().isPresent() && filter(route).isEverything())
                .findFirst()
                .ifPresent(
                        greedy -> add(
                                Kind.SHADOWED,
                                byDefault,
                                List.of(greedy.name()),
                                "is the default route, and is left only Topic Names that begin with $, as %s takes all others"));
    }
}

package dev.sluice.uplink.route;

import dev.sluice.config.UplinkConfig;
import dev.sluice.topic.SubscriptionIndex;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;

/**
 * A set of routes, in the order of their names, found by Topic Name. Immutable: any thread may use it.
 */
public final class Routes {
    private static final Resolution REFUSE = new Resolution.Refuse(Failure.UNMATCHED);
    private static final Resolution DROP = new Resolution.Drop();

    private final List<Route> routes;
    private final SubscriptionIndex<Route> index = new SubscriptionIndex<>();
    private final Resolution unmatched;
    private final List<Route> whenUnmatched;
    private final String deadLetterTopic;

    private Routes(List<Route> routes, Resolution unmatched, List<Route> whenUnmatched, String deadLetterTopic) {
        this.routes = routes;
        this.unmatched = unmatched;
        this.whenUnmatched = whenUnmatched;
        this.deadLetterTopic = deadLetterTopic;
        for (var route : routes) route.filter().ifPresent(filter -> index.add(filter.topicFilter(), route));
    }

    /** @throws RouteMistakes when the configuration is wrong */
    public static Routes of(UplinkConfig config) {
        return of(RouteSpec.all(config), config);
    }

    /**
     * @param specs by name
     * @param config says what becomes of what no route takes; its own routes do not count
     * @throws RouteMistakes when they are wrong
     */
    public static Routes of(SortedMap<String, RouteSpec> specs, UplinkConfig config) {
        var routes = RoutesReader.read(specs, config);
        var whenUnmatched =
                switch (config.unmatched()) {
                    case REFUSE, DROP -> List.<Route>of();
                    case DEFAULT_ROUTE ->
                        routes.stream()
                                .filter(route -> config.defaultRoute()
                                        .filter(route.name()::equals)
                                        .isPresent())
                                .toList();
                    case DEAD_LETTER -> List.of(Route.NONE);
                };
        var unmatched = config.unmatched() == UplinkConfig.Unmatched.DROP ? DROP : REFUSE;
        return new Routes(routes, unmatched, whenUnmatched, config.deadLetterTopic());
    }

    /**
     * The records that a message asks for. Not for each message: to be kept per connection and Topic Name.
     *
     * @param username null without one
     */
    public Resolution resolve(TopicName topicName, String clientId, String username) {
        var matching = matching(topicName);
        if (matching.isEmpty()) return unmatched;
        var matches = new ArrayList<RouteMatch>(matching.size());
        for (var route : matching) {
            var match = route.match(topicName, clientId, username);
            if (match.failure() != null && !route.hasDeadLetters()) return new Resolution.Refuse(match.failure());
            matches.add(match);
        }
        return new Resolution.Forward(List.copyOf(matches));
    }

    /** All routes, in the order of their names. */
    public List<Route> routes() {
        return routes;
    }

    /** Takes what no filter matches, if that is so configured. */
    Optional<Route> defaultRoute() {
        return whenUnmatched.stream().filter(routes::contains).findFirst();
    }

    /** The routes that take a Topic Name, in the order of their names. */
    public List<Route> matching(TopicName topicName) {
        var matching = new ArrayList<Route>();
        index.forEachMatch(topicName, matching::add);
        if (matching.isEmpty()) matching.addAll(whenUnmatched);
        matching.sort(Comparator.comparing(Route::name));
        return matching;
    }

    /** The Kafka topic of dead letters. */
    public String deadLetterTopic() {
        return deadLetterTopic;
    }

    /** Whether anything may become a dead letter. */
    public boolean hasDeadLetters() {
        return whenUnmatched.contains(Route.NONE) || routes.stream().anyMatch(Route::hasDeadLetters);
    }

    /**
     * The Kafka topics that can be looked for at the start: those of the routes that do not depend on the message, and that of the
     * dead letters where there may be any.
     */
    public Set<String> literalKafkaTopics() {
        var names = new TreeSet<String>();
        for (var route : routes)
            if (!route.isTemplated()) names.add(route.kafkaTopic().toString());
        if (hasDeadLetters()) names.add(deadLetterTopic);
        return names;
    }

    /** Whether a route that may create its Kafka topics could have made this one. */
    public boolean mayCreate(String kafkaTopic) {
        return routes.stream()
                .anyMatch(route ->
                        route.spec().createTopic() && route.kafkaTopic().couldMake(kafkaTopic));
    }

    /** The highest partition of a Kafka topic that a route asks for by its number; -1 if none does. */
    public int highestPartition(String kafkaTopic) {
        return routes.stream()
                .filter(route -> route.kafkaTopic().toString().equals(kafkaTopic))
                .mapToInt(Route::fixedPartition)
                .max()
                .orElse(-1);
    }
}
